// Texts that others wrote.
import { clock, exact, ago, now, timeMode } from "../format/time.ts";
import { pieces, visible } from "../format/visible.ts";

/** A text as text: isolated in its reading direction, hidden characters by their names. */
export function Text({ of, max = 4096 }: { of: string; max?: number }) {
  const text = of.length > max ? of.slice(0, max) + "…" : of;
  return (
    <bdi>
      {pieces(text).map((piece) => (piece.mark ? <span class="mark">{piece.text}</span> : piece.text))}
    </bdi>
  );
}

/** A text with the parts that match marked. */
export function Found({ of, pattern }: { of: string; pattern: RegExp | null }) {
  if (!pattern) return <Text of={of} max={of.length} />;
  const parts = [];
  let from = 0;
  for (const match of of.matchAll(pattern)) {
    if (!match[0]) break;
    parts.push(
      <Text of={of.slice(from, match.index)} />,
      <mark>
        <Text of={match[0]} />
      </mark>,
    );
    from = match.index + match[0].length;
    if (parts.length > 200) break;
  }
  return (
    <bdi>
      {parts}
      <Text of={of.slice(from)} max={of.length} />
    </bdi>
  );
}

/** A time as the reader wants times: relative, local or UTC; the others in its title. */
export function When({ at, none = "–" }: { at: number; none?: string }) {
  if (!at) return <span class="dim">{none}</span>;
  const mode = timeMode.value;
  const title = `${exact(at, false)} local · ${exact(at, true)} UTC`;
  const text = mode === "relative" ? ago(at, now.value) : exact(at, mode === "utc");
  return (
    <time dateTime={new Date(at).toISOString()} title={title} class="nowrap">
      {text}
    </time>
  );
}
export const logClock = (at: number) =>
  timeMode.value === "relative" ? clock(at, false) : exact(at, timeMode.value === "utc", true);
export { visible };
