// Measures the job list of a project with many jobs, by Chromium's tracing: the first screen, the longest task of the
// page's main thread (what a frame waits for at most) while it is scrolled and searched, and its memory. Beside the
// time of a task is that of the processor, which other programs do not lengthen. No test: it asserts nothing. The
// project must be there, for instance by JOBS=100000, which adds jobs first.
//   SPIDERQ_URL=... SPIDERQ_API_KEY=... SPIDERQ_PROJECT=7 [JOBS=100000] [STEPS=400] [TASKS=1] node profile.mjs
import { readFileSync } from "node:fs";
import { inBrowser, project, push, took, url } from "./support.mjs";
import { stats } from "./seed.mjs";

const JOBS = Number(process.env.JOBS ?? 0);
/** Turns of the wheel, of 3,000 px each. */
const STEPS = Number(process.env.STEPS ?? 400);
const OUTCOMES = ["finished", "finished", "finished", "finished", "failed", "cancelled", "lost"];
for (let at = 0; at < JOBS; at += 2_000)
  await push(
    Array.from({ length: Math.min(2_000, JOBS - at) }, (_, n) => ({
      spider: `spider-${(at + n) % 40}`,
      state: "finished",
      close_reason: OUTCOMES[((at + n) * 7) % OUTCOMES.length],
      tags: n % 3 ? ["daily"] : ["daily", "eu"],
      spider_args: { city: ["Rome", "Paris", "Oslo"][n % 3], page: String(at + n) },
      scrapystats: stats((at + n) % 900, (at + n) % 1100, n % 11 ? 0 : 3),
    })),
  );

await inBrowser(async (page) => {
  const browser = await page.context().browser().newBrowserCDPSession();
  const tab = await page.context().newCDPSession(page);
  await tab.send("Performance.enable");
  const settle = () =>
    page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));

  /** Runs `what` under the tracer: milliseconds of it and of its longest task. */
  async function traced(name, what) {
    const events = [];
    browser.on("Tracing.dataCollected", ({ value }) => events.push(...value));
    const categories = "toplevel,devtools.timeline,blink.user_timing,disabled-by-default-devtools.timeline";
    await browser.send("Tracing.start", { categories, transferMode: "ReportEvents" });
    const ms = await took(what);
    const complete = new Promise((done) => browser.once("Tracing.tracingComplete", done));
    await browser.send("Tracing.end");
    await complete;
    browser.removeAllListeners("Tracing.dataCollected");
    const main = new Set(
      events
        .filter((event) => event.name === "thread_name" && event.args.name === "CrRendererMain")
        .map((event) => `${event.pid} ${event.tid}`),
    );
    const tasks = events
      .filter((event) => event.name === "RunTask" && main.has(`${event.pid} ${event.tid}`) && event.dur)
      .sort((a, b) => b.dur - a.dur);
    const longest = (tasks[0]?.dur ?? 0) / 1000;
    const over = (what) => tasks.filter((task) => task[what] > 50_000).length;
    const busiest = Math.max(0, ...tasks.map((task) => task.tdur ?? 0)) / 1000;
    console.log(
      `${name}: ${ms} ms, longest task ${longest.toFixed(0)} ms (${busiest.toFixed(0)} of the processor), ` +
        `${over("dur")} (${over("tdur")}) of ${tasks.length} over 50 ms`,
    );
    if (process.env.TASKS && tasks[0]) {
      const { ts, dur, pid, tid } = tasks[0];
      const inside = events.filter(
        (event) => event.pid === pid && event.tid === tid && event.ts >= ts && event.ts < ts + dur && event.dur,
      );
      const sums = new Map();
      for (const event of inside) sums.set(event.name, (sums.get(event.name) ?? 0) + event.dur / 1000);
      const most = [...sums].sort((a, b) => b[1] - a[1]).slice(0, 12);
      console.log(most.map(([what, sum]) => `    ${sum.toFixed(1)} ms ${what}`).join("\n"));
    }
  }
  async function memory(name) {
    await tab.send("HeapProfiler.collectGarbage");
    const { metrics } = await tab.send("Performance.getMetrics");
    const of = (what) => metrics.find((metric) => metric.name === what).value;
    const { processInfo } = await browser.send("SystemInfo.getProcessInfo");
    const pss = processInfo
      .filter(({ type }) => type === "renderer")
      .map(({ id }) => Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${id}/smaps_rollup`, "utf8"))[1]) / 1024);
    const mib = (of("JSHeapUsedSize") / 1048576).toFixed(1);
    console.log(`${name}: JS heap ${mib} MiB, ${of("Nodes")} nodes, process ${Math.max(...pss).toFixed(0)} MiB`);
  }
  const loaded = () =>
    page.waitForFunction(() => document.querySelectorAll(".window tbody tr:not(.space)").length > 15);

  await page.goto("about:blank");
  await traced("first screen", async () => {
    await page.goto(`${url}/p/${project}/jobs`);
    await loaded();
  });
  await memory("after it");
  const box = page.getByRole("region", { name: "Jobs" });
  await box.hover();
  await traced(`${STEPS} turns of the wheel`, async () => {
    for (let step = 0; step < STEPS; step++) {
      await page.mouse.wheel(0, 3_000);
      await settle();
    }
  });
  const row = await box.locator("tr[aria-rowindex]").last().getAttribute("aria-rowindex");
  await memory(`at row ${row}`);
  await traced("back to the top", async () => {
    await box.evaluate((element) => element.scrollTo(0, 0));
    await settle();
  });
  await traced("typing a search", async () => {
    await page.locator("#search").pressSequentially("spider:spider-7 outcome:failed");
    await settle();
  });
  for (const text of ["spider:spider-7", "outcome:failed arg.city:Rome", "errors:>0", "oslo page", "nowhere"])
    await traced(`search ${text}`, async () => {
      await page.locator("#search").fill(text);
      await page.locator("#search").press("Enter");
      await page.waitForURL((to) => to.searchParams.get("q") === text);
      await page.waitForFunction(() => !/Searching|^$/.test(document.querySelector(".bar .count").textContent));
      await settle();
    });
  await traced("project screen", async () => {
    await page.goto(`${url}/p/${project}`);
    await page.getByRole("region", { name: "Completed jobs" }).waitFor();
  });
  await traced("its history", async () => {
    await page.locator(".charts").waitFor();
    await settle();
  });
  await memory("project screen");
});
