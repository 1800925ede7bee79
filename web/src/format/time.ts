// Times and durations as people read them.
import { signal } from "@preact/signals";
import { preference } from "../preference.ts";

type Stamp = { seconds: bigint; nanos: number } | undefined;
/** Milliseconds since 1970 of a message's time; 0 where there is none. */
export const ms = (stamp: Stamp) =>
  stamp ? Number(stamp.seconds) * 1000 + Math.floor(stamp.nanos / 1e6) : 0;
export const stamp = (at: number) => ({
  seconds: BigInt(Math.floor(at / 1000)),
  nanos: (((at % 1000) + 1000) % 1000) * 1e6,
});

export type TimeMode = "relative" | "local" | "utc";
export const timeMode = preference<TimeMode>("time", "relative", ["relative", "local", "utc"]);

/** The server's clock minus this machine's, ms. */
export const clockSkew = signal(0);
/** The server's time, ms. */
export const serverNow = () => Date.now() + clockSkew.peek();
/** Now, once a second, for what counts up. */
export const now = signal(Date.now());
setInterval(() => {
  if (!document.hidden) now.value = serverNow();
}, 1000);

/** `4.2 s`, `3:07`, `2:05:11`, `3 d 4 h`. */
export function duration(length: number): string {
  if (!Number.isFinite(length) || length < 0) return "–";
  if (length < 1000) return `${Math.round(length)} ms`;
  const seconds = length / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (n: number) => String(n).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)}:${two(whole % 60)}`;
  if (whole < 86_400)
    return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor(whole / 3600) % 24} h`;
}

/** `12 s ago`, `in 3 min`. */
export function ago(at: number, from: number): string {
  const seconds = Math.round((from - at) / 1000);
  const size = Math.abs(seconds);
  const [count, unit] =
    size < 5
      ? [0, ""]
      : size < 90
        ? [size, "s"]
        : size < 5_400
          ? [Math.round(size / 60), "min"]
          : size < 129_600
            ? [Math.round(size / 3600), "h"]
            : [Math.round(size / 86_400), "d"];
  if (!unit) return "now";
  return seconds > 0 ? `${count} ${unit} ago` : `in ${count} ${unit}`;
}

const two = (n: number) => String(n).padStart(2, "0");
/** `2026-12-01 14:02:07`, in the zone of `utc`. */
export function exact(at: number, utc: boolean, millis = false): string {
  const d = new Date(at);
  if (Number.isNaN(d.getTime())) return "–";
  const text = utc
    ? d.toISOString().slice(0, 23).replace("T", " ")
    : `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}.${String(d.getMilliseconds()).padStart(3, "0")}`;
  return millis ? text : text.slice(0, 19);
}
/** `14:02:07.123`. */
export const clock = (at: number, utc: boolean) => exact(at, utc, true).slice(11);
