// A tour of the gRPC API from TypeScript on Node: errors with details, and changes by filter.
// Needs: npm install @connectrpc/connect @connectrpc/connect-node @bufbuild/protobuf, and in gen/
// the code that `buf generate` makes of the folder proto/. run.sh does it all and runs this:
//   SPIDERQ_URL=http://127.0.0.1:6900 SPIDERQ_KEY=... ./run.sh
import { ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { ErrorInfoSchema } from "./gen/google/rpc/error_details_pb.js";
import { JobService } from "./gen/spiderq/v1/job_service_pb.js";

const { SPIDERQ_URL = "", SPIDERQ_KEY = "" } = process.env;
const authorize: Interceptor = (next) => (request) => {
  request.header.set("authorization", `Bearer ${SPIDERQ_KEY}`);
  return next(request);
};
const transport = createGrpcTransport({
  baseUrl: SPIDERQ_URL,
  interceptors: [authorize],
  defaultTimeoutMs: 10_000,
});
const jobs = createClient(JobService, transport);

const spider = { spider: { case: "name", value: "somespider" } } as const;
const schedule = {
  project: 123n,
  job: { spider, tags: ["sometag"], spiderArgs: { arg1: "val1" } },
};
const key = (await jobs.scheduleJob(schedule)).job?.key;
console.log(`scheduled ${key}`);

// The same once more while it is active: the details say why it is refused.
try {
  await jobs.scheduleJob(schedule);
} catch (error) {
  for (const info of ConnectError.from(error).findDetails(ErrorInfoSchema)) {
    console.log(`refused ${info.reason} of ${info.metadata.key}`);
  }
}

// All jobs that match, first without doing it. Until nextPageToken is empty, there are more.
const stop = { project: 123n, filter: { spiders: [spider], hasTags: ["sometag"] } };
console.log(`would stop ${(await jobs.stopJobs({ ...stop, validateOnly: true })).count}`);
console.log(`stopped ${(await jobs.stopJobs(stop)).count}`);

const { job } = await jobs.getJob({ key });
console.log(`finished ${job?.key}, ${job?.closeReason}`);
