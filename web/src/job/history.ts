// History of a project for its charts: read from its jobs in bounded steps, put in buckets of time. Where there are
// more jobs than are read, some of each bucket stand for all of it.
import { type Job, JobState } from "../../gen/spiderq/v1/job_pb.ts";
import { jobs } from "../api/client.ts";
import { quantile } from "../format/number.ts";
import { ms, serverNow, stamp } from "../format/time.ts";
import type { Filter } from "../search/filter.ts";
import { outcomeTone } from "./facts.ts";

/** Where so many jobs or more are in the time, a sample is read. */
const MOST = 2_500;
/** Jobs of one call: so few that reading its answer holds no frame up. */
const PAGE = 500;
/** Jobs of a bucket that stand for all of it. */
const SAMPLE = 50;
/** Buckets that are read at a time. */
const AT_ONCE = 3;
export const RANGES = {
  "1h": [36e5, 60],
  "6h": [216e5, 72],
  "24h": [864e5, 72],
  "7d": [6048e5, 84],
  "30d": [2592e6, 60],
} as const;
export type Range = keyof typeof RANGES;

export interface Times {
  from: number;
  step: number;
  buckets: number;
}
export interface History extends Times {
  jobs: Job[];
  /** How many jobs each of `jobs` stands for, its own included; not there: for itself. */
  weights: Map<Job, number>;
  charts: Charts;
}
/** Whether it is of a sample. */
export const isSample = (history: History) => history.weights.size > 0;

export async function readHistory(project: number, range: Range, signal: AbortSignal): Promise<History> {
  const [length, buckets] = RANGES[range];
  const step = length / buckets;
  const from = Math.floor((serverNow() - length) / step) * step + step;
  const times = { from, step, buckets };
  const states = [JobState.PENDING, JobState.RUNNING, JobState.FINISHED];
  const read: Job[] = [];
  const weights = new Map<Job, number>();
  let pageToken = "";
  do {
    const answer = await list(project, { states, fromStateTime: stamp(from) }, PAGE, signal, pageToken);
    read.push(...answer.jobs);
    pageToken = answer.nextPageToken;
  } while (pageToken && read.length < MOST);
  if (pageToken) {
    read.length = 0;
    for (const part of await sample(project, times, signal)) {
      read.push(...part.jobs);
      for (const job of part.jobs) weights.set(job, part.all / part.jobs.length);
    }
  }
  return { ...times, jobs: read, weights, charts: chartsOf(times, read, weights, serverNow()) };
}
const list = (project: number, filter: Filter, pageSize: number, signal: AbortSignal, pageToken = "") =>
  jobs.listJobs({ project: BigInt(project), filter, pageSize, pageToken }, { signal });

interface Part {
  jobs: Job[];
  all: number;
}
/** What was read of buckets that are over: nothing ends in them any more. By project, bucket and step. */
const over = new Map<string, Part>();
/** Parts that are kept. */
const KEPT = 500;

/** The latest jobs of each bucket, and how many it has; of those that have not ended, the latest of all. */
async function sample(project: number, times: Times, signal: AbortSignal): Promise<Part[]> {
  const now = serverNow();
  const parts: Part[] = [];
  const read = async (filter: Filter, most: number): Promise<Part> => {
    const { jobs: some } = await list(project, filter, most, signal);
    if (some.length < most) return { jobs: some, all: some.length };
    const counted = await jobs.countJobs({ project: BigInt(project), filter }, { signal });
    return { jobs: some, all: Number(counted.count) };
  };
  const bucket = async (at: number) => {
    const begin = times.from + at * times.step;
    const name = `${project} ${begin} ${times.step}`;
    const known = over.get(name);
    if (known) return void parts.push(known);
    const end = begin + times.step;
    const part = await read(
      { states: [JobState.FINISHED], fromStateTime: stamp(begin), beforeStateTime: stamp(end) },
      SAMPLE,
    );
    parts.push(part);
    if (end < now) over.set(name, part);
    for (const oldest of over.keys()) if (over.size > KEPT) over.delete(oldest);
  };
  let next = 0;
  const some = async () => {
    while (next < times.buckets && !signal.aborted) await bucket(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, some));
  for (const state of [JobState.PENDING, JobState.RUNNING])
    parts.push(await read({ states: [state], fromStateTime: stamp(times.from) }, PAGE));
  return parts;
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
export function chartsOf(
  { from, step, buckets }: Times,
  all: Job[],
  weights: Map<Job, number>,
  now: number,
): Charts {
  const zero = () => new Array<number>(buckets).fill(0);
  const lists = () => Array.from({ length: buckets }, () => [] as number[]);
  const charts = { depth: zero(), running: zero(), good: zero(), warn: zero(), bad: zero() };
  const [waits, runs] = [lists(), lists()];
  const bucketOf = (at: number) => Math.floor((at - from) / step);
  for (const job of all) {
    const weight = weights.get(job) ?? 1;
    const [pending, started, ended] = [ms(job.pendingTime), ms(job.runningTime), ms(job.finishedTime)];
    if (pending) span(charts.depth, bucketOf(pending), bucketOf(started || ended || now), weight);
    if (started) span(charts.running, bucketOf(started), bucketOf(ended || now), weight);
    const end = bucketOf(ended);
    if (ended && end >= 0 && end < buckets) {
      const tone = outcomeTone(job.closeReason);
      charts[tone === "good" || tone === "warn" ? tone : "bad"][end]! += weight;
      if (started) runs[end]!.push(ended - started);
    }
    const start = bucketOf(started);
    if (started && pending && start >= 0 && start < buckets) waits[start]!.push(started - pending);
  }
  for (const values of [...waits, ...runs]) values.sort((a, b) => a - b);
  const at = (all: number[][], share: number) =>
    all.map((values) => (values.length ? quantile(values, share) : null));
  return {
    ...charts,
    wait50: at(waits, 0.5),
    wait95: at(waits, 0.95),
    run50: at(runs, 0.5),
    run95: at(runs, 0.95),
  };
}
function span(values: number[], from: number, to: number, weight: number) {
  for (let at = Math.max(0, from); at <= Math.min(values.length - 1, to); at++) values[at]! += weight;
}
