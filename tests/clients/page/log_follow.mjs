// A log that grows is followed; scrolling up stops that; levels, search, permalinks and folded tracebacks.
import assert from "node:assert/strict";
import { append, inBrowser, project, push, startNext, url } from "./support.mjs";
import { logLines } from "./seed.mjs";

await push([{ spider: "s" }]);
const job = await startNext();
await append("logs", job, logLines(3_000));
await inBrowser(async (page) => {
  await page.goto(`${url}/p/${job}/log`);
  const seen = (offset) => page.locator(`#L${offset}`).waitFor();
  await seen(2_999);
  await append("logs", job, logLines(500, 3_000), 3_000);
  await seen(3_499);
  await page.getByRole("log").hover();
  await page.mouse.wheel(0, -6_000);
  await page.getByRole("button", { name: "Follow", pressed: false }).waitFor();
  await append("logs", job, logLines(128, 3_500), 3_500);
  await page.getByRole("button", { name: /128 new lines/ }).click();
  await seen(3_627);

  await page.getByRole("button", { name: /^ERROR/ }).click();
  await page.waitForURL(/level=40/);
  await seen(150);
  await page.waitForFunction(() => document.querySelectorAll(".line").length === 18);
  const error = page.locator("#L150");
  assert.ok(!(await error.getByText("line 41, in parse").isVisible()), "the traceback is folded");
  await error.getByRole("button", { name: /^Open/ }).click();
  await error.getByText("line 41, in parse").waitFor();
  await page.getByLabel("Search all lines of the log").fill("page/61>");
  await page.getByLabel("Search all lines of the log").press("Enter");
  await page.waitForURL(/text=page/);
  await page.getByText("No line matches").waitFor();
  await page.getByRole("button", { name: /^All/ }).click();
  await page.locator(".line mark", { hasText: "page/61>" }).first().waitFor();

  await page.goto(`${url}/p/${job}/log#L1234`);
  await page.locator("#L1234.marked").waitFor();
});
console.log("followed, paused, searched, folded, linked");
