// The life of a job over gRPC from Node. Needs: npm install @grpc/grpc-js @grpc/proto-loader
// and the folder proto/ of this repository.
//   SPIDERQ_URL=http://127.0.0.1:6900 SPIDERQ_KEY=... node life.mjs
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";

const { SPIDERQ_URL, SPIDERQ_KEY } = process.env;
const proto = fileURLToPath(new URL("../../../proto", import.meta.url));
const files = ["job_service", "job_queue_service"].map((name) => `spiderq/v1/${name}.proto`);
// 64-bit integers as strings: a JavaScript number holds 53 bits only.
const options = { includeDirs: [proto], longs: String, enums: String, defaults: true };
const { spiderq } = grpc.loadPackageDefinition(loader.loadSync(files, options));

const address = new URL(SPIDERQ_URL).host;
const jobs = new spiderq.v1.JobService(address, grpc.credentials.createInsecure());
const queue = new spiderq.v1.JobQueueService(address, grpc.credentials.createInsecure());
const metadata = new grpc.Metadata();
metadata.set("authorization", `Bearer ${SPIDERQ_KEY}`);
const deadline = () => ({ deadline: Date.now() + 10_000 });
const call = (client, method, message) =>
  promisify(client[method].bind(client))(message, metadata, deadline());
const word = (state) => state.replace("JOB_STATE_", "").toLowerCase();

const scheduled = await call(jobs, "scheduleJob", {
  project: 123,
  job: {
    spider: { name: "somespider" },
    tags: ["sometag"],
    spiderArgs: { arg1: "val1" },
  },
});
console.log(`scheduled ${scheduled.job.key}`);

// A worker has the job for 30 seconds (lease) unless it sends a Heartbeat in time; the
// fence proves that a call comes from this attempt and not from one that was given up.
const spiders = [{ name: "somespider" }];
const { job, fence } = await call(queue, "startJob", { project: 123, spiders });
const { key } = job;
console.log(`started ${key} with arg1=${job.spiderArgs.arg1}`);

await call(queue, "heartbeat", { key, fence });
// Values of metadataJson are JSON text, exactly as they were written.
const metadataJson = { progress: JSON.stringify(0.5) };
await call(jobs, "setJobMetadata", { key, fence, metadataJson });
const running = await call(jobs, "getJob", { key });
console.log(`updated progress=${running.job.metadataJson.progress}`);

const update = { key, fence, state: "JOB_STATE_FINISHED", closeReason: "finished" };
const { results } = await call(queue, "updateQueue", { updates: [update] });
console.log(`finished ${results[0].key}, was ${word(results[0].made.previousState)}`);

const filter = { states: ["JOB_STATE_FINISHED"], hasTags: ["sometag"] };
for await (const row of queue.listQueue({ project: 123, filter, limit: 1 }, metadata, deadline())) {
  console.log(`listed ${row.job.key} ${word(row.job.state)}`);
}

const finished = (await call(jobs, "getJob", { key })).job;
console.log(`metadata close_reason=${finished.closeReason} progress=${finished.metadataJson.progress}`);

const { count } = await call(jobs, "deleteJobs", { filter: { keys: [key] } });
console.log(`deleted ${count}`);
jobs.close();
queue.close();
