// A query as the server's filter, and the rest of it that the page looks for itself in what the server lists.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Job, type JobFilterSchema, JobState } from "../../gen/spiderq/v1/job_pb.ts";
import { ms, stamp } from "../format/time.ts";
import { runnerOf, runtimeOf, waitOf } from "../job/facts.ts";
import type { Comparison, Query } from "./parse.ts";
import { statesOf } from "./states.ts";

export type Filter = MessageInitShape<typeof JobFilterSchema>;
const at = (when: Query["since"], now: number) =>
  !when ? undefined : stamp("at" in when ? when.at : now - when.back);

/** What the server can look for. */
export function serverFilter(query: Query, now: number): Filter {
  return {
    keys: query.keys,
    states: statesOf(query),
    spiders: query.spiders.map((name) => ({
      spider: /^[1-9]\d*$/.test(name)
        ? { case: "id" as const, value: BigInt(name) }
        : { case: "name" as const, value: name },
    })),
    hasAllTags: query.tags,
    lacksTags: query.lacksTags,
    closeReasons: query.outcomes,
    spiderArgs: query.args,
    priorities: query.priorities,
    fromStateTime: at(query.since, now),
    beforeStateTime: at(query.until, now),
  };
}
/** Whether the filter has any condition: the service refuses to change jobs without one. */
export const hasCondition = (query: Query) =>
  Boolean(
    query.keys.length ||
    query.states.length ||
    query.spiders.length ||
    query.tags.length ||
    query.lacksTags.length ||
    query.outcomes.length ||
    Object.keys(query.args).length ||
    query.priorities.length ||
    query.since ||
    query.until,
  );
/** Whether the server's list must be looked through by the page. */
export const isScan = (query: Query) =>
  Boolean(query.bounds.length || query.words.length || query.runners.length);

/** What the server does not look for. */
export function scanMatches(query: Query, job: Job): boolean {
  const value = {
    items: Number(job.counters?.items ?? 0),
    pages: Number(job.counters?.pages ?? 0),
    errors: Number(job.counters?.errors ?? 0),
    logs: Number(job.counters?.logs ?? 0),
    runtime: runtimeOf(job),
    wait: waitOf(job),
  };
  if (!query.bounds.every((bound) => holds(value[bound.counter], bound.is, bound.value))) return false;
  if (!query.runners.every((runner) => runnerOf(job).toLowerCase().includes(runner))) return false;
  if (!query.words.length) return true;
  const text = [
    job.key,
    job.spiderName,
    ...job.tags,
    job.closeReason,
    ...Object.entries(job.spiderArgs).flat(),
  ]
    .join("\n")
    .toLowerCase();
  return query.words.every((word) => text.includes(word));
}
function holds(value: number, is: Comparison, bound: number): boolean {
  switch (is) {
    case "<":
      return value < bound;
    case "<=":
      return value <= bound;
    case ">":
      return value > bound;
    case ">=":
      return value >= bound;
    case "=":
      return value === bound;
  }
}

/** Whether a job that an event brings belongs to the list. */
export function matches(query: Query, job: Job, now: number): boolean {
  const states = statesOf(query);
  if (query.keys.length && !query.keys.includes(job.key)) return false;
  if (states.length ? !states.includes(job.state) : job.state === JobState.DELETED && !query.keys.length)
    return false;
  if (
    query.spiders.length &&
    !query.spiders.includes(job.spiderName) &&
    !query.spiders.includes(String(job.spiderId))
  )
    return false;
  if (
    !query.tags.every((tag) => job.tags.includes(tag)) ||
    query.lacksTags.some((tag) => job.tags.includes(tag))
  )
    return false;
  if (query.outcomes.length && !query.outcomes.includes(job.closeReason)) return false;
  if (!Object.entries(query.args).every(([name, value]) => job.spiderArgs[name] === value)) return false;
  if (query.priorities.length && !query.priorities.includes(job.priority)) return false;
  const since = at(query.since, now);
  const until = at(query.until, now);
  const entered = ms(job.stateTime);
  if ((since && entered < ms(since)) || (until && entered >= ms(until))) return false;
  return scanMatches(query, job);
}
