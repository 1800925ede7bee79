// History of a project for its charts: read from its jobs in bounded steps, put in buckets of time.
import { type Job, JobState } from "../../gen/spiderq/v1/job_pb.ts";
import { jobs } from "../api/client.ts";
import { quantile } from "../format/number.ts";
import { ms, serverNow, stamp } from "../format/time.ts";
import { outcomeTone } from "./facts.ts";

/** Jobs that are read at most, and of one call. */
export const MOST = 5_000;
const PAGE = 500;
export const RANGES = {
  "1h": [36e5, 60],
  "6h": [216e5, 72],
  "24h": [864e5, 72],
  "7d": [6048e5, 84],
  "30d": [2592e6, 60],
} as const;
export type Range = keyof typeof RANGES;

export interface History {
  from: number;
  step: number;
  buckets: number;
  jobs: Job[];
  /** Whether there are more jobs in the time than were read: charts then begin later. */
  cut: boolean;
}

export async function readHistory(project: number, range: Range, signal: AbortSignal): Promise<History> {
  const [length, buckets] = RANGES[range];
  const step = length / buckets;
  const from = Math.floor((serverNow() - length) / step) * step + step;
  const read: Job[] = [];
  let pageToken = "";
  do {
    const answer = await jobs.listJobs(
      {
        project: BigInt(project),
        filter: {
          states: [JobState.PENDING, JobState.RUNNING, JobState.FINISHED],
          fromStateTime: stamp(from),
        },
        pageSize: PAGE,
        pageToken,
      },
      { signal },
    );
    read.push(...answer.jobs);
    pageToken = answer.nextPageToken;
  } while (pageToken && read.length < MOST);
  return { from, step, buckets, jobs: read, cut: pageToken !== "" };
}

export interface Charts {
  depth: number[];
  running: number[];
  good: number[];
  warn: number[];
  bad: number[];
  wait50: (number | null)[];
  wait95: (number | null)[];
  run50: (number | null)[];
  run95: (number | null)[];
}
export function chartsOf({ from, step, buckets, jobs: all }: History, now: number): Charts {
  const zero = () => new Array<number>(buckets).fill(0);
  const lists = () => Array.from({ length: buckets }, () => [] as number[]);
  const charts = { depth: zero(), running: zero(), good: zero(), warn: zero(), bad: zero() };
  const [waits, runs] = [lists(), lists()];
  const bucketOf = (at: number) => Math.floor((at - from) / step);
  for (const job of all) {
    const [pending, started, ended] = [ms(job.pendingTime), ms(job.runningTime), ms(job.finishedTime)];
    if (pending) span(charts.depth, bucketOf(pending), bucketOf(started || ended || now));
    if (started) span(charts.running, bucketOf(started), bucketOf(ended || now));
    const end = bucketOf(ended);
    if (ended && end >= 0 && end < buckets) {
      const tone = outcomeTone(job.closeReason);
      charts[tone === "good" || tone === "warn" ? tone : "bad"][end]!++;
      if (started) runs[end]!.push(ended - started);
    }
    const start = bucketOf(started);
    if (started && pending && start >= 0 && start < buckets) waits[start]!.push(started - pending);
  }
  const at = (all: number[][], share: number) =>
    all.map((values) =>
      values.length
        ? quantile(
            values.sort((a, b) => a - b),
            share,
          )
        : null,
    );
  return {
    ...charts,
    wait50: at(waits, 0.5),
    wait95: at(waits, 0.95),
    run50: at(runs, 0.5),
    run95: at(runs, 0.95),
  };
}
function span(values: number[], from: number, to: number) {
  for (let at = Math.max(0, from); at <= Math.min(values.length - 1, to); at++) values[at]!++;
}
