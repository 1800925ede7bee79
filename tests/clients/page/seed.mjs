// Fills a project with jobs as they are in life: of several spiders, in every state, with logs, items and requests.
//   SPIDERQ_URL=... SPIDERQ_API_KEY=... SPIDERQ_PROJECT=7 node seed.mjs
// Jobs get their times from the server's clock. Where that can be set (fake_clock.mjs) the finished jobs are those of a
// day; else they all come at once.
import { fileURLToPath } from "node:url";
import { isFake, setClock } from "./fake_clock.mjs";
import { append, call, project, push, startNext, update } from "./support.mjs";

/** name, items, pages */
const SPIDERS = [
  ["books", 900, 1100],
  ["quotes", 100, 120],
  ["hotels", 12_000, 15_000],
  ["prices-de", 4_000, 4_400],
  ["news", 300, 900],
  ["stock", 60, 61],
];
/** How the job number `at` ended: most are good. */
const outcomeOf = (at) =>
  ({ 5: "failed", 11: "cancelled", 16: "memusage_exceeded" })[(at * 7) % 20] ?? "finished";

/** Seeds; answers the keys of a finished job with outputs, of a running and of a pending one. */
export async function seed(finished = 60) {
  const now = Date.now();
  await setClock(now - 24.5 * 3_600_000);
  await call("POST", `/projects/${project}/settings`, JSON.stringify({ name: "Travel and books" }));
  await (isFake ? aDay(now, finished) : push(Array.from({ length: finished }, (_, at) => ended(at))));
  await setClock(now - 11 * 60_000);
  await push([{ spider: "books", priority: 4, spider_args: { city: "Rome", depth: "1" }, tags: ["daily"] }]);
  const job = await startNext();
  await update(job, { runner: "crawl@node-1" });
  await append("logs", job, logLines(5_000));
  await setClock(now - 6 * 60_000);
  await append(
    "items",
    job,
    Array.from({ length: 250 }, (_, at) => ({
      _type: "Book",
      title: `Book ${at}`,
      price: at % 7 ? Number((9.9 + at / 10).toFixed(2)) : null,
      ...(at % 5 ? { author: `Author ${at % 13}` } : {}),
      url: `https://books.example/b/${at}`,
      stock: at % 30,
      tags: ["a", "b"],
    })),
  );
  await append(
    "requests",
    job,
    Array.from({ length: 300 }, (_, at) => ({
      time: now - 300_000 + at * 900,
      method: at % 40 ? "GET" : "POST",
      url: `https://books.example/page/${at}`,
      status: at % 50 === 49 ? 503 : at % 20 === 19 ? 404 : 200,
      duration: 80 + ((at * 37) % 700),
      rs: 12_000 + at * 13,
    })),
  );
  await update(job, {
    state: "finished",
    close_reason: "failed",
    scrapystats: { ...stats(250, 300, 25), "memusage/max": 91_000_000, finish_reason: "failed" },
  });
  await push([
    {
      spider: "hotels",
      priority: 4,
      spider_args: { city: "Paris", api_token: "s3cret" },
      tags: ["daily", "eu"],
    },
  ]);
  const running = await startNext();
  await update(running, { runner: "crawl@node-2" });
  await setClock(now - 40_000);
  await append("logs", running, logLines(300));
  await update(running, { scrapystats: stats(3120, 3900, 2) });
  const [pending] = await push([
    { spider: "quotes", spider_args: { city: "Oslo" }, tags: ["daily"] },
    { spider: "news", priority: 3, units: 4 },
  ]);
  await setClock(Date.now());
  return { job, running, pending };
}

/** The job number `at`, and how it ended. */
function ended(at) {
  const [spider, items, pages] = SPIDERS[at % SPIDERS.length];
  const outcome = outcomeOf(at);
  const share = outcome === "finished" ? 0.9 + ((at * 37) % 20) / 100 : 0.3;
  return {
    ...wanted(at, spider),
    state: "finished",
    close_reason: outcome,
    version: "1.4.2",
    scrapystats: {
      ...stats(items * share, pages * share, outcome === "failed" ? 3 : 0),
      "memusage/max": 80e6 + ((at * 31) % 40) * 1e6,
      finish_reason: outcome,
    },
  };
}
const wanted = (at, spider) => ({
  spider,
  tags: at % 3 ? ["daily"] : ["daily", "eu"],
  spider_args: { city: ["Rome", "Paris", "Oslo"][at % 3], depth: String(at % 2) },
});

/** Jobs of the day before `now`, most of them by day, which three runners take as they come. */
async function aDay(now, count) {
  const day = 24 * 3_600_000;
  let free = [0, 0, 0];
  const steps = [];
  for (let at = 0; at < count; at++) {
    // Most of them come at the times where the wave is steep.
    const share = at / count + 0.06 * Math.sin((at / count) * 4 * Math.PI);
    const come = now - day + share * (day - 50 * 60_000) + ((at * 7_919) % 240_000);
    steps.push({ at: come, do: () => push([wanted(at, SPIDERS[at % SPIDERS.length][0])]) });
  }
  steps.sort((a, b) => a.at - b.at);
  const started = [...steps.keys()].map((order) => {
    free.sort((a, b) => a - b);
    const start = Math.max(free[0], steps[order].at) + 3_000 + ((order * 7_907) % 9_000);
    const [, , pages] = SPIDERS[order % SPIDERS.length];
    const runs = 60_000 + pages * 55 * (0.8 + ((order * 37) % 40) / 100);
    free[0] = start + runs;
    return { start, end: start + runs };
  });
  for (const [order, { start, end }] of started.entries()) {
    let key;
    steps.push({
      at: start,
      do: async () => {
        key = await startNext();
        await update(key, { runner: `crawl@node-${1 + (order % 3)}` });
      },
    });
    steps.push({
      at: end,
      do: () => {
        const { state, close_reason, version, scrapystats } = ended(order);
        return update(key, { state, close_reason, version, scrapystats });
      },
    });
  }
  let clock = 0;
  for (const step of steps.sort((a, b) => a.at - b.at)) {
    const at = Math.min(step.at, now - 12 * 60_000);
    if (at > clock + 15_000) await setClock((clock = at));
    await step.do();
  }
}

/** Statistics as Scrapy writes them: the counters of a job are read from them. */
export const stats = (items, pages, errors) => ({
  item_scraped_count: Math.round(items),
  response_received_count: Math.round(pages),
  "downloader/request_count": Math.round(pages) + 3,
  "log_count/DEBUG": 4_427,
  "log_count/INFO": 466,
  "log_count/ERROR": errors,
});

export function logLines(count, from = 0) {
  const begin = Date.now() - 300_000;
  return Array.from({ length: count }, (_, index) => {
    const at = from + index;
    const [level, message] =
      at % 200 === 150
        ? [
            40,
            `Error processing {'title': 'Book ${at}'}\nTraceback (most recent call last):\n  File "/app/spiders/books.py", line 41, in parse\n    price = float(row.css(".price::text").get())\n            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\nTypeError: float() argument must be a string or a real number, not 'NoneType'`,
          ]
        : at % 61 === 0
          ? [30, `Retrying <GET https://books.example/page/${at}> (failed 1 times): 503 Service Unavailable`]
          : at % 10 === 0
            ? [20, `Crawled ${at} pages (at 600 pages/min), scraped ${at} items (at 580 items/min)`]
            : [10, `Crawled (200) <GET https://books.example/page/${at}> (referer: None)`];
    return { time: begin + at * 60, level, message };
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  console.log(JSON.stringify(await seed(Number(process.argv[2] ?? 60))));
