// In which states a query looks for jobs.
import { JobState } from "../../gen/spiderq/v1/job_pb.ts";
import type { Query, StateName } from "./parse.ts";

const STATE: Record<StateName, JobState> = {
  pending: JobState.PENDING,
  running: JobState.RUNNING,
  finished: JobState.FINISHED,
  deleted: JobState.DELETED,
};

/** None: in those of a list by default. Only jobs that have ended have an outcome, so that the server need not look
 * through the others. */
export const statesOf = (query: Pick<Query, "states" | "outcomes">): JobState[] =>
  query.outcomes.length && !query.states.length
    ? [JobState.FINISHED]
    : query.states.map((state) => STATE[state]);
