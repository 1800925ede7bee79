// A long list and a long log scroll, and the page holds only what is in view. Prints how soon the first screen is there
// and how long any step of scrolling held the page up.
//   JOBS (default 5000)  LINES (default 100000)
import assert from "node:assert/strict";
import { append, inBrowser, project, push, startNext, took, url } from "./support.mjs";
import { logLines } from "./seed.mjs";

const JOBS = Number(process.env.JOBS ?? 5_000);
const LINES = Number(process.env.LINES ?? 100_000);
/** Elements of the page at most, however long the list is. */
const MOST_NODES = 5_000;
/** Memory of its script at most. MiB */
const MOST_HEAP = 150;
await push([{ spider: "log", priority: 4 }]);
const job = await startNext();
for (let at = 0; at < LINES; at += 20_000)
  await append("logs", job, logLines(Math.min(20_000, LINES - at), at), at);
for (let at = 0; at < JOBS; at += 1_000)
  await push(
    Array.from({ length: Math.min(1_000, JOBS - at) }, (_, n) => ({
      spider: `s${n % 20}`,
      state: "finished",
      close_reason: n % 9 ? "finished" : "failed",
      tags: ["daily"],
      spider_args: { page: String(at + n) },
    })),
  );

await inBrowser(async (page, context) => {
  await page.addInitScript(() => {
    window.longest = 0;
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
    }).observe({ type: "longtask", buffered: true });
  });
  const scroll = async (box) => {
    await box.hover();
    await page.evaluate(() => {
      window.longest = 0;
    });
    for (let step = 0; step < 40; step++) {
      await page.mouse.wheel(0, 1_500);
      await page.evaluate(
        () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
      );
    }
    return Math.round(await page.evaluate(() => window.longest));
  };
  const first = await took(async () => {
    await page.goto(`${url}/p/${project}/jobs`);
    await page.locator("tbody tr").nth(20).waitFor();
  });
  const list = await scroll(page.getByRole("region", { name: "Jobs" }));
  // Pages come as they are needed, without an end before that of the list.
  await page.waitForFunction(
    (most) => Number([...document.querySelectorAll("tr[aria-rowindex]")].at(-1)?.ariaRowIndex) >= most,
    Math.min(JOBS, 1_000),
  );
  console.log(
    `list of ${JOBS} jobs: first screen ${first} ms, longest task while scrolled ${list || "under 50"} ms`,
  );

  const log = await took(async () => {
    await page.goto(`${url}/p/${job}/log#L0`);
    await page.locator("#L0").waitFor();
  });
  const lines = await scroll(page.getByRole("log"));
  const end = await took(async () => {
    await page.keyboard.press("G");
    await page.locator(`#L${LINES - 1}`).waitFor();
  });
  await page.goto(`${url}/p/${job}/log#L${Math.floor(LINES / 2)}`);
  await page.locator(`#L${Math.floor(LINES / 2)}.marked`).waitFor();
  const nodes = await page.locator("*").count();
  // Without what is garbage: when that goes is up to the browser.
  const browser = await context.newCDPSession(page);
  await browser.send("HeapProfiler.collectGarbage");
  const heap = Math.round((await browser.send("Runtime.getHeapUsage")).usedSize / 1048576);
  console.log(
    `log of ${LINES} lines: first screen ${log} ms, longest task while scrolled ${lines || "under 50"} ms, to its end ${end} ms, ${nodes} nodes, heap ${heap} MiB`,
  );
  assert.ok(nodes < MOST_NODES && heap < MOST_HEAP);
});
console.log("long lists scroll");
