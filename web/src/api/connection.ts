// Whether the server answers. While it does not, a probe runs with growing pauses; when it answers again, every
// screen loads what it shows anew.
import { signal } from "@preact/signals";
import { apiUrl } from "../base.ts";

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 5_000;

/** Why the server does not answer; empty while it does. */
export const outage = signal("");
/** Grows each time the server answers again after an outage: loaders depend on it. */
export const healed = signal(0);
let probing = false;

export function reached() {
  if (outage.peek() && !probing) heal();
}

export function unreachable(error: unknown) {
  if (probing) return;
  probing = true;
  void probe(String(error instanceof Error ? error.message : error));
}

function heal() {
  outage.value = "";
  healed.value++;
}

/** Asks `/readyz` until it answers well; the first time at once, since a single failed call is no outage. */
async function probe(reason: string) {
  for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    const problem = await readiness();
    if (!problem) break;
    outage.value = problem === "unreachable" ? "The server can't be reached." : problem || reason;
    await new Promise((done) => setTimeout(done, pause));
  }
  probing = false;
  if (outage.peek()) heal();
}

async function readiness(): Promise<string> {
  try {
    const response = await fetch(apiUrl("readyz"), { headers: { accept: "application/json" } });
    if (response.ok) return "";
    const text = (await response.text()).slice(0, 300);
    return `The server answers, its store does not: ${text}`;
  } catch {
    return "unreachable";
  }
}
