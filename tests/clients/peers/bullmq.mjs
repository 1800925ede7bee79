// BullMQ's part of `load peers`: `add N` adds N jobs, 1,000 a call; `work N WORKERS` processes N
// jobs that are there. Prints the seconds and the CPU seconds that this took, without the start of
// this program. REDIS_SOCKET is the socket of the server.
import { Queue, Worker } from "bullmq";

const BATCH = 1000;
const [action, count, workers] = process.argv.slice(2);
const jobs = Number(count);
const connection = { path: process.env.REDIS_SOCKET, maxRetriesPerRequest: null };

async function add() {
  const queue = new Queue("spider", { connection });
  await queue.waitUntilReady();
  const timer = new Timer();
  for (let from = 0; from < jobs; from += BATCH) {
    const batch = Math.min(BATCH, jobs - from);
    const data = { url: "http://example.com/" };
    await queue.addBulk(Array.from({ length: batch }, () => ({ name: "spider", data })));
  }
  timer.print();
  await queue.close();
}

async function work() {
  let left = jobs;
  let done;
  const all = new Promise((resolve) => (done = resolve));
  const settings = { connection, concurrency: Number(workers), autorun: false };
  const worker = new Worker("spider", async () => {}, settings);
  await worker.waitUntilReady();
  worker.on("completed", () => {
    left -= 1;
    if (left === 0) done();
  });
  const timer = new Timer();
  worker.run();
  await all;
  timer.print();
  await worker.close();
}

class Timer {
  start = performance.now();
  cpu = process.cpuUsage();

  print() {
    const seconds = (performance.now() - this.start) / 1e3;
    const { user, system } = process.cpuUsage(this.cpu);
    console.log(JSON.stringify({ seconds, cpu: (user + system) / 1e6 }));
  }
}

await (action === "add" ? add() : work());
process.exit(0);
