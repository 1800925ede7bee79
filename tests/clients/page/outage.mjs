// The network goes and comes back under an open page: it says so, keeps what it shows, and goes on by itself.
import { inBrowser, project, push, schedule, took, url } from "./support.mjs";

await push([{ spider: "before" }]);
await inBrowser(async (page, context, faults) => {
  await page.goto(`${url}/p/${project}/jobs`);
  await page.getByLabel(`Select ${project}/1/1`).waitFor();
  await context.setOffline(true);
  await page.getByRole("combobox", { name: "Search jobs" }).fill("before");
  await page.getByRole("combobox", { name: "Search jobs" }).press("Enter");
  await page.getByText("The server can't be reached").first().waitFor();
  const missed = await schedule("before", [["n", "2"]]);
  await context.setOffline(false);
  const healed = await took(() => page.getByLabel(`Select ${missed}`).waitFor());
  await page.getByText("The server can't be reached").first().waitFor({ state: "detached" });
  const after = await schedule("before", [["n", "3"]]);
  await page.getByLabel(`Select ${after}`).waitFor();
  console.log(`went on ${healed} ms after the network was back`);
  faults.length = 0;
});
console.log("healed by itself");
