// The live feed of one project: a WatchJobs call that is resumed by its cursor, with growing pauses between tries.
import { Code, ConnectError } from "@connectrpc/connect";
import { toBinary } from "@bufbuild/protobuf";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { JobService, WatchJobsResponseSchema } from "../../gen/spiderq/v1/job_service_pb.ts";
import { clientOf } from "../api/transport.ts";
import type { FromWorker } from "./protocol.ts";

const FIRST_PAUSE = 300;
const LONGEST_PAUSE = 15_000;
/** Events of so long are sent to the tabs together, ms. */
const GATHER = 40;

/** Watches until `signal` is aborted. */
export async function feed(
  project: number,
  url: string,
  signal: AbortSignal,
  send: (message: FromWorker) => void,
): Promise<void> {
  const client = clientOf(JobService, url);
  let cursor = "";
  let lostEvents = false;
  let pause = FIRST_PAUSE;
  const gathered = gather((events) => send({ say: "events", project, events }));
  send({ say: "state", project, state: "connecting", retryAt: 0 });
  while (!signal.aborted) {
    try {
      for await (const event of client.watchJobs(
        { project: BigInt(project), cursor, progress: true },
        { signal },
      )) {
        if (pause || !cursor) send({ say: "state", project, state: "live", retryAt: 0 });
        if (lostEvents) send({ say: "reset", project });
        lostEvents = false;
        pause = 0;
        cursor = event.cursor || cursor;
        if (event.event.case !== "cursorMoved") gathered(toBinary(WatchJobsResponseSchema, event));
      }
    } catch (error) {
      if (signal.aborted) return;
      const failure = ConnectError.from(error);
      const info = failure.findDetails(ErrorInfoSchema)[0];
      if (failure.code === Code.Unauthenticated || failure.code === Code.PermissionDenied)
        return send({ say: "state", project, state: "denied", retryAt: 0 });
      if (info?.metadata.cursor) cursor = info.metadata.cursor;
      if (failure.code === Code.OutOfRange || failure.code === Code.InvalidArgument) {
        cursor = "";
        lostEvents = true;
      }
    }
    if (signal.aborted) return;
    // A fresh stream that ended is tried again at once, then ever more slowly; never all browsers together.
    pause = pause ? Math.min(pause * 2, LONGEST_PAUSE) : FIRST_PAUSE;
    const wait = pause * (0.7 + Math.random() * 0.6);
    if (!cursor) lostEvents = true;
    send({ say: "state", project, state: "reconnecting", retryAt: Date.now() + wait });
    await new Promise((done) => setTimeout(done, wait));
  }
}

function gather(flush: (events: Uint8Array[]) => void) {
  let events: Uint8Array[] = [];
  return (event: Uint8Array) => {
    if (events.push(event) === 1) setTimeout(() => (flush(events), (events = [])), GATHER);
  };
}
