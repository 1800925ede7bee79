// Runners as the page shows them, which take no jobs: registered, and reporting until the program ends.
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";
import { key, project, url } from "./support.mjs";

const REPORT_EVERY = 10_000;
const proto = fileURLToPath(new URL("../../../proto", import.meta.url));
const { spiderq } = grpc.loadPackageDefinition(
  loader.loadSync("spiderq/v1/runner_service.proto", { includeDirs: [proto], longs: String, enums: String }),
);

/** Registers runners of these names, each of 4 units. */
export async function registerRunners(names) {
  const client = new spiderq.v1.RunnerService(new URL(url).host, grpc.credentials.createInsecure());
  const metadata = new grpc.Metadata();
  metadata.set("authorization", `Bearer ${key}`);
  const call = (method, message) => promisify(client[method].bind(client))(message, metadata);
  const status = { state: "RUNNER_STATE_ACTIVE", freeDiskBytes: "84000000000" };
  for (const name of names) {
    const startTime = { seconds: Math.floor(Date.now() / 1000) - 90_000 };
    await call("registerRunner", {
      runner: { id: name, name, version: "0.9.0", projects: [project], units: 4, startTime },
      status,
    });
    const report = () => call("reportRunner", { id: name, status });
    setInterval(() => void report().catch(() => undefined), REPORT_EVERY).unref();
  }
}
