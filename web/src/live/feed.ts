// The live feed: one WatchJobs call, of all projects, that is resumed by its cursors with growing pauses between tries.
import { type CallOptions, Code, ConnectError } from "@connectrpc/connect";
import { type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import {
  type WatchJobsRequestSchema,
  type WatchJobsResponse,
  WatchJobsResponseSchema,
} from "../../gen/spiderq/v1/job_service_pb.ts";
import type { State } from "./protocol.ts";

const FIRST_PAUSE = 300;
const LONGEST_PAUSE = 15_000;
/** Events of so long are sent to the tabs together, ms. */
const GATHER = 40;

export interface FeedEvent {
  project: number;
  /** Whether it tells counters alone. */
  progress: boolean;
  bytes: Uint8Array;
}
export type FromFeed =
  | State
  | { say: "events"; events: FeedEvent[] }
  /** Events of the project, 0: of all, may be missing. */
  | { say: "again"; project: number }
  /** There are too many projects for one watch. */
  | { say: "many" };
export interface Feed {
  /** What to watch; 0: all projects. */
  project: number;
  watch: (
    request: MessageInitShape<typeof WatchJobsRequestSchema>,
    options: CallOptions,
  ) => AsyncIterable<WatchJobsResponse>;
  signal: AbortSignal;
  send: (message: FromFeed) => void;
}

/** Watches until `signal` is aborted or nothing more can come. */
export async function feed({ project, watch, signal, send }: Feed): Promise<void> {
  const cursors = new Map<number, string>();
  const gather = gathering(send);
  let pause = FIRST_PAUSE;
  send(state("connecting"));
  while (!signal.aborted) {
    let begun = false;
    const fresh = !cursors.size;
    const begin = () => {
      if (begun) return;
      begun = true;
      pause = 0;
      send(state("live"));
      // A list that was read before this may lack what came between.
      if (fresh) gather.again(0);
    };
    try {
      const given = [...cursors.values()];
      const what = project
        ? { project: BigInt(project), cursor: given[0] ?? "" }
        : { allProjects: true, cursors: given };
      for await (const event of watch({ ...what, progress: true }, { signal, onHeader: begin })) {
        begin();
        const whose = projectOf(event);
        const known = cursors.has(whose);
        if (event.cursor) cursors.set(whose, event.cursor);
        if (event.event.case !== "cursorMoved") gather.event(whose, event);
        else if (!known && !project) gather.again(whose);
      }
    } catch (error) {
      if (signal.aborted) return;
      const failure = ConnectError.from(error);
      const cursor = failure.findDetails(ErrorInfoSchema)[0]?.metadata.cursor;
      if (cursor) cursors.set(parseInt(cursor, 16), cursor);
      if (failure.code === Code.Unauthenticated) return send(state("denied"));
      // A key may reach fewer projects than it did: a watch anew is of those that are left.
      if (failure.code === Code.PermissionDenied && !begun) return send(state("denied"));
      if (failure.code === Code.InvalidArgument && fresh && !project) return send({ say: "many" });
      if (failure.code === Code.OutOfRange || failure.code === Code.InvalidArgument) cursors.clear();
    }
    if (signal.aborted) return;
    // A fresh stream that ended is tried again at once, then ever more slowly; never all browsers together.
    pause = pause ? Math.min(pause * 2, LONGEST_PAUSE) : FIRST_PAUSE;
    const wait = pause * (0.7 + Math.random() * 0.6);
    send(state("reconnecting", Date.now() + wait));
    await new Promise((done) => setTimeout(done, wait));
  }
}

const state = (state: State["state"], retryAt = 0): State => ({ say: "state", state, retryAt });
/** Cursors begin with their project in hexadecimal digits, keys of jobs in decimal ones. */
const projectOf = ({ cursor, job }: WatchJobsResponse) => parseInt(cursor, 16) || parseInt(job?.key ?? "", 10);

function gathering(send: Feed["send"]) {
  let events: FeedEvent[] = [];
  let again = new Set<number>();
  let waiting = false;
  const soon = () => {
    if (!waiting) setTimeout(flush, GATHER);
    waiting = true;
  };
  const flush = () => {
    const [told, stale] = [events, again.has(0) ? [0] : again];
    [events, again, waiting] = [[], new Set(), false];
    if (told.length) send({ say: "events", events: told });
    for (const project of stale) send({ say: "again", project });
  };
  return {
    event(project: number, event: WatchJobsResponse) {
      const bytes = toBinary(WatchJobsResponseSchema, event);
      events.push({ project, progress: event.event.case === "progress", bytes });
      soon();
    },
    again(project: number) {
      again.add(project);
      soon();
    },
  };
}
