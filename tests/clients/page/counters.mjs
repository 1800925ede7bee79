// Counters of a running job come to the list and to its page as its worker reports them, without being asked for.
import { call, inBrowser, live, project, push, took, url } from "./support.mjs";

await push([{ spider: "s" }]);
const started = JSON.parse(await call("POST", `/jobq/${project}/startjob?lease=120`));
const beat = (items) =>
  call(
    "POST",
    `/jobq/${started.key}/heartbeat`,
    JSON.stringify({ fence: started.fence, lease: 120, items, pages: items + 1, errors: 0, logs: items }),
  );
await beat(1);
await inBrowser(async (page) => {
  await page.goto(`${url}/p/${project}/jobs`);
  await live(page).waitFor();
  const cell = (text) => page.getByRole("cell", { name: text, exact: true });
  await cell("1").first().waitFor();
  const times = [];
  for (const items of [1_234, 2_345, 3_456]) {
    await beat(items);
    times.push(await took(() => cell(items.toLocaleString("en-US")).first().waitFor()));
  }
  await page.goto(`${url}/p/${started.key}`);
  await page.locator(".figure", { hasText: "3,456" }).first().waitFor();
  await live(page).waitFor();
  await beat(4_567);
  times.push(await took(() => page.locator(".figure", { hasText: "4,567" }).first().waitFor()));
  console.log(`from heartbeat to screen: ${times.join(", ")} ms`);
});
console.log("counters are live");
