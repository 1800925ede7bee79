// A push comes to the screen by itself, and two tabs share one feed. Prints how long it takes.
import { inBrowser, live, project, push, took, update, startNext, url } from "./support.mjs";

const RUNS = 15;
await push([{ spider: "first" }]);
await inBrowser(async (page, context) => {
  await page.goto(`${url}/p/${project}/jobs`);
  await live(page).waitFor();
  const times = [];
  for (let run = 0; run < RUNS; run++) {
    const begin = performance.now();
    const [key] = await push([{ spider: `s${run}` }]);
    await page.getByLabel(`Select ${key}`).waitFor();
    times.push(Math.round(performance.now() - begin));
  }
  times.sort((a, b) => a - b);
  console.log(`from push to screen: median ${times[Math.floor(RUNS / 2)]} ms, most ${times.at(-1)} ms`);

  const second = await context.newPage();
  await second.goto(`${url}/p/${project}`);
  await live(second).waitFor();
  const job = await startNext();
  const both = await took(() =>
    Promise.all([
      page
        .locator("tr", { has: page.getByLabel(`Select ${job}`) })
        .getByText("running")
        .waitFor(),
      second
        .getByRole("region", { name: "Running jobs" })
        .getByRole("link", { name: job.slice(job.indexOf("/") + 1), exact: true })
        .waitFor(),
    ]),
  );
  console.log(`both tabs showed it running within ${both} ms`);
  await page.close();
  await update(job, { state: "finished", close_reason: "finished" });
  await second
    .getByRole("region", { name: "Completed jobs" })
    .getByRole("link", { name: job.slice(job.indexOf("/") + 1), exact: true })
    .waitFor();
});
console.log("it shows in every tab");
