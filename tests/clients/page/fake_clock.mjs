// A server whose clock is set, for pictures: started anew at each time, as a running one takes no jump of its clock.
// Needs `faketime`, and the program in SPIDERQ.
import { spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { key, url } from "./support.mjs";

const program = process.env.SPIDERQ;
/** Whether there is one; else the clock is that of the machine. */
export const isFake = Boolean(program);
const store = isFake && join(mkdtempSync(join(tmpdir(), "spiderq-pictures-")), "s.db");
let server;

/** Goes on at a time, ms, which must not be before the last one. */
export async function setClock(at) {
  if (!isFake) return;
  await stop();
  const back = `-${Math.max(0, (Date.now() - at) / 1000).toFixed(1)}`;
  const args = ["serve", "--listen", new URL(url).host, "--store", `sqlite:${store}`];
  server = spawn("faketime", ["-f", back, program, ...args], {
    env: { ...process.env, SPIDERQ_ADMIN_KEY: key, FAKETIME_DONT_FAKE_MONOTONIC: "1" },
    stdio: "ignore",
    detached: true,
  });
  while (!(await fetch(`${url}/system/ts`).catch(() => undefined))?.ok) await sleep(10);
}
/** Ends it. */
export async function stop() {
  if (!server || server.exitCode !== null) return;
  const ended = new Promise((done) => server.once("exit", done));
  process.kill(-server.pid, "SIGKILL");
  await ended;
}
