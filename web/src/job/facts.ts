// What is read off a job.
import { type Job, JobState } from "../../gen/spiderq/v1/job_pb.ts";
import { ms, serverNow } from "../format/time.ts";

/** How long it has run, ms, up to now where it still does; 0: not at all. */
export const runtimeOf = (job: Job, now = serverNow()) =>
  job.runningTime
    ? Math.max(
        0,
        (job.finishedTime ? ms(job.finishedTime) : job.state === JobState.RUNNING ? now : ms(job.stateTime)) -
          ms(job.runningTime),
      )
    : 0;
/** How long it has waited for its start, ms. */
export const waitOf = (job: Job, now = serverNow()) =>
  job.pendingTime
    ? Math.max(
        0,
        (job.runningTime ? ms(job.runningTime) : job.finishedTime ? ms(job.finishedTime) : now) -
          ms(job.pendingTime),
      )
    : 0;

export type Tone = "good" | "bad" | "warn" | "run" | "wait" | "off";
export interface Status {
  /** The state, or how it ended. */
  word: string;
  tone: Tone;
}
const GOOD = new Set(["finished", "no_reason", ""]);
const WARN = new Set([
  "cancelled",
  "shutdown",
  "cancel_timeout",
  "closespider_itemcount",
  "closespider_pagecount",
  "closespider_timeout",
]);

export const outcomeOf = (job: Job) => job.closeReason || "no_reason";
export function outcomeTone(reason: string): Tone {
  return GOOD.has(reason) ? "good" : WARN.has(reason) || reason.startsWith("closespider") ? "warn" : "bad";
}
export function statusOf(job: Job): Status {
  switch (job.state) {
    case JobState.PENDING:
      return { word: "pending", tone: "wait" };
    case JobState.RUNNING:
      return { word: "running", tone: "run" };
    case JobState.DELETED:
      return { word: "deleted", tone: "off" };
    default:
      return { word: outcomeOf(job), tone: outcomeTone(job.closeReason) };
  }
}
/** Path of its page. */
export const jobPath = (key: string) => `/p/${key}`;
/** `7/81` of `53/7/81`. */
export const shortKey = (key: string) => key.slice(key.indexOf("/") + 1);
export const counter = (value: bigint | undefined) => (value === undefined ? undefined : Number(value));
/** A metadata value by its JSON text; undefined where it is none. */
export function json(text: string | undefined): unknown {
  if (text === undefined || text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
/** The runner that has or had it, where it said its name; else who started it. */
export function runnerOf(job: Job): string {
  const runner = json(job.metadataJson.runner);
  return typeof runner === "string" ? runner : job.startedBy;
}
const SECRET = /pass|secret|token|api_?key|credential|auth/i;
/** Whether a name sounds like that of a secret: its value is then masked until asked for. */
export const isSecretName = (name: string) => SECRET.test(name);
