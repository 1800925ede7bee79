// What people do to jobs. Many jobs are done in steps, with progress; each refusal is kept.
import { jobs, queue } from "../api/client.ts";
import { problemText } from "../api/problem.ts";
import { type Job, JobState } from "../../gen/spiderq/v1/job_pb.ts";
import type { Filter } from "../search/filter.ts";

/** Keys of one call, and of one page of a list. */
const STEP = 200;
const PAGE = 1_000;
export type Act = "stop" | "delete" | "restore" | "tag" | "untag" | "again" | "priority";
export interface Progress {
  done: number;
  of: number;
  changed: number;
  refusals: { key: string; why: string }[];
}

/** Does `act` to jobs by their keys. `tell` is called after each step; `cancelled` ends it before the next one. */
export async function actOn(
  keys: string[],
  act: Act,
  value: string,
  tell: (progress: Progress) => void,
  cancelled: () => boolean,
): Promise<Progress> {
  const progress: Progress = { done: 0, of: keys.length, changed: 0, refusals: [] };
  const step = act === "again" ? 1 : STEP;
  for (let at = 0; at < keys.length && !cancelled(); at += step) {
    const some = keys.slice(at, at + step);
    try {
      progress.changed += await once(some, act, value);
    } catch (error) {
      // One of them stands in the way: each alone, so that the others are done.
      if (some.length > 1) {
        for (const key of some) {
          if (cancelled()) break;
          await once([key], act, value).then(
            (changed) => void (progress.changed += changed),
            (alone: unknown) => void progress.refusals.push({ key, why: problemText(alone) }),
          );
          tell({ ...progress, done: at + some.indexOf(key) });
        }
      } else progress.refusals.push({ key: some[0]!, why: problemText(error) });
    }
    progress.done = Math.min(keys.length, at + step);
    tell({ ...progress });
  }
  return progress;
}

/** All jobs that a filter selects, as many as they were when it was chosen. */
export interface All {
  project: number;
  filter: Filter;
  count: number;
}
/** States of the jobs that an act is for; others are left as they are. */
const STATES: Partial<Record<Act, JobState[]>> = {
  stop: [JobState.PENDING, JobState.RUNNING],
  priority: [JobState.PENDING],
  restore: [JobState.DELETED],
};
/** The filter's jobs that `act` is for; null: there can be none. */
export function filterFor(act: Act, filter: Filter): Filter | null {
  const may = STATES[act];
  if (!may) return filter;
  const states = filter.states?.length ? may.filter((state) => filter.states!.includes(state)) : may;
  return states.length ? { ...filter, states } : null;
}

/** As `actOn`, to all that a filter selects: the server goes over them, in steps of its own. */
export async function actOnAll(
  { project, filter: all, count }: All,
  act: Act,
  value: string,
  tell: (progress: Progress) => void,
  cancelled: () => boolean,
): Promise<Progress> {
  const progress: Progress = { done: 0, of: count, changed: 0, refusals: [] };
  const filter = filterFor(act, all);
  if (!filter) return progress;
  let pageToken = "";
  try {
    if (byFilter(act)) {
      do {
        const answer = await change(act, { project: BigInt(project), filter, pageToken }, value);
        progress.changed += Number(answer.count);
        progress.done = Math.min(count, progress.changed);
        pageToken = answer.nextPageToken;
        tell({ ...progress });
      } while (pageToken && !cancelled());
      return progress;
    }
  } catch {
    // One of them stands in the way: by their keys, so that the others are done.
    if (act === "tag" || act === "untag") progress.changed = 0;
    pageToken = "";
  }
  try {
    for (let done = progress.changed; !cancelled(); ) {
      const answer = await jobs.listJobs({ project: BigInt(project), filter, pageToken, pageSize: PAGE });
      const keys = answer.jobs.map((job) => job.key);
      const so = { ...progress, refusals: [...progress.refusals] };
      const add = (part: Progress) => {
        progress.done = Math.min(count, done + part.done);
        progress.changed = so.changed + part.changed;
        progress.refusals = [...so.refusals, ...part.refusals];
        tell({ ...progress });
      };
      add(await actOn(keys, act, value, add, cancelled));
      done += keys.length;
      pageToken = answer.nextPageToken;
      if (!pageToken) break;
    }
  } catch (error) {
    progress.refusals.push({ key: "", why: problemText(error) });
  }
  return progress;
}

interface Which {
  project?: bigint;
  filter: Filter;
  pageToken?: string;
}
const byFilter = (act: Act) => act !== "again" && act !== "priority";
function change(act: Act, which: Which, value: string): Promise<{ count: bigint; nextPageToken: string }> {
  switch (act) {
    case "stop":
      return jobs.stopJobs(which);
    case "delete":
      return jobs.deleteJobs(which);
    case "restore":
      return jobs.restoreJobs(which);
    case "untag":
      return jobs.updateJobs({ ...which, tagChanges: { remove: [value] } });
    default:
      return jobs.updateJobs({ ...which, tagChanges: { add: [value] } });
  }
}

async function once(keys: string[], act: Act, value: string): Promise<number> {
  if (byFilter(act)) return Number((await change(act, { filter: { keys } }, value)).count);
  if (act === "again") {
    for (const key of keys) await runAgain(key);
    return keys.length;
  }
  const answer = await queue.updateQueue({
    updates: keys.map((key) => ({
      target: { case: "key" as const, value: key },
      priority: Number(value),
    })),
  });
  const refused = answer.results.find((result) => result.result.case === "error");
  if (refused?.result.case === "error") throw new Error(refused.result.value.message);
  return answer.results.length;
}

/** Schedules a job like that of `key`: the new one. */
export async function runAgain(key: string): Promise<Job> {
  const old = (await jobs.getJob({ key })).job!;
  const answer = await jobs.scheduleJob({
    project: old.project,
    job: {
      spider: { spider: { case: "id", value: old.spiderId } },
      priority: old.priority,
      units: old.units,
      tags: old.tags,
      spiderArgs: old.spiderArgs,
      environment: old.environment,
      jobSettingsJson: old.jobSettingsJson,
      ...(old.cmdArgs ? { cmdArgs: old.cmdArgs } : {}),
    },
    requestId: crypto.randomUUID?.() ?? String(Math.random()),
  });
  return answer.job!;
}
export const canStop = (job: Job) => job.state === JobState.PENDING || job.state === JobState.RUNNING;
export const canDelete = (job: Job) => job.state === JobState.PENDING || job.state === JobState.FINISHED;
