// What people do to jobs. Many jobs are done in steps, with progress; each refusal is kept.
import { jobs, queue } from "../api/client.ts";
import { problemText } from "../api/problem.ts";
import { type Job, JobState } from "../../gen/spiderq/v1/job_pb.ts";

/** Keys of one call. */
const STEP = 200;
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

async function once(keys: string[], act: Act, value: string): Promise<number> {
  const filter = { keys };
  switch (act) {
    case "stop":
      return Number((await jobs.stopJobs({ filter })).count);
    case "delete":
      return Number((await jobs.deleteJobs({ filter })).count);
    case "restore":
      return Number((await jobs.restoreJobs({ filter })).count);
    case "tag":
      return Number((await jobs.updateJobs({ filter, tagChanges: { add: [value] } })).count);
    case "untag":
      return Number((await jobs.updateJobs({ filter, tagChanges: { remove: [value] } })).count);
    case "priority": {
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
    case "again": {
      for (const key of keys) await runAgain(key);
      return keys.length;
    }
  }
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
