// The life of a job from a page in a browser, over gRPC-Web. Needs: npm install
// @connectrpc/connect @connectrpc/connect-web @bufbuild/protobuf, and in gen/ the code that
// `buf generate` makes of the folder proto/ (buf.gen.yaml).
// The page is opened as life.html#url=http://127.0.0.1:6900&key=...
import { createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { JobState } from "./gen/spiderq/v1/job_pb.js";
import { JobQueueService } from "./gen/spiderq/v1/job_queue_service_pb.js";
import { JobService } from "./gen/spiderq/v1/job_service_pb.js";

// What follows # stays in the browser. A real page would ask its user for the key.
const settings = new URLSearchParams(location.hash.slice(1));

const authorize = (next) => (request) => {
  request.header.set("authorization", `Bearer ${settings.get("key")}`);
  return next(request);
};
const transport = createGrpcWebTransport({
  baseUrl: settings.get("url"),
  interceptors: [authorize],
  defaultTimeoutMs: 10_000,
});
const jobs = createClient(JobService, transport);
const queue = createClient(JobQueueService, transport);

const show = (line) => document.querySelector("#life").append(`${line}\n`);
const word = (state) => JobState[state].toLowerCase();

// A spider by its name; { case: "id", value: 1n } is one by its number.
const spider = { spider: { case: "name", value: "somespider" } };

async function life() {
  const scheduled = await jobs.scheduleJob({
    project: 123n,
    job: { spider, tags: ["sometag"], spiderArgs: { arg1: "val1" } },
  });
  show(`scheduled ${scheduled.job.key}`);

  // A worker has the job for 30 seconds (lease) unless it sends a Heartbeat in time; the
  // fence proves that a call comes from this attempt and not from one that was given up.
  const { job, fence } = await queue.startJob({ project: 123n, spiders: [spider] });
  const { key } = job;
  show(`started ${key} with arg1=${job.spiderArgs.arg1}`);

  await queue.heartbeat({ key, fence });
  // Values of metadataJson are JSON text, exactly as they were written.
  await jobs.setJobMetadata({ key, fence, metadataJson: { progress: JSON.stringify(0.5) } });
  const running = await jobs.getJob({ key });
  show(`updated progress=${running.job.metadataJson.progress}`);

  const target = { case: "key", value: key };
  const update = { target, fence, state: JobState.FINISHED, closeReason: "finished" };
  const { results } = await queue.updateQueue({ updates: [update] });
  const made = results[0].result.value;
  show(`finished ${results[0].key}, was ${word(made.previousState)}`);

  const filter = { states: [JobState.FINISHED], hasTags: ["sometag"] };
  for await (const row of queue.listQueue({ project: 123n, filter, limit: 1n })) {
    show(`listed ${row.job.key} ${word(row.job.state)}`);
  }

  const finished = (await jobs.getJob({ key })).job;
  show(`metadata close_reason=${finished.closeReason} progress=${finished.metadataJson.progress}`);

  const { count } = await jobs.deleteJobs({ filter: { keys: [key] } });
  show(`deleted ${count}`);
}

life()
  .catch((error) => show(`failed: ${error}`))
  .finally(() => show("the end"));
