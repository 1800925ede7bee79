// The life of a job by mouse: scheduled by the form, seen as it runs, stopped, run again, tagged, deleted, restored.
import assert from "node:assert/strict";
import { append, call, inBrowser, project, startNext, update, url } from "./support.mjs";
import { logLines } from "./seed.mjs";

await inBrowser(async (page) => {
  await page.goto(`${url}/p/${project}/schedule`);
  await page.locator("input[list=spiders]").fill("books");
  await page.getByRole("button", { name: "Argument", exact: true }).click();
  await page.getByLabel("Name of argument 1").fill("city");
  await page.getByLabel("Value of argument 1").fill("Rome");
  await page.getByLabel("Tags").fill("daily, eu");
  await page.getByLabel("Scrapy settings").fill("{");
  await page.getByText("Not JSON yet").waitFor();
  assert.ok(await page.getByRole("button", { name: "Schedule", exact: true }).isDisabled());
  await page.getByLabel("Scrapy settings").fill('{"DOWNLOAD_DELAY": 1}');
  await page.getByRole("button", { name: "Schedule", exact: true }).click();
  const key = `${project}/1/1`;
  await page.waitForURL(`${url}/p/${key}`);
  await page.getByText("Waiting", { exact: true }).waitFor();

  const job = await startNext();
  assert.equal(job, key);
  await page.locator("h1 .badge", { hasText: "running" }).waitFor();
  await append("logs", key, logLines(200));
  await append("items", key, [{ title: "A", price: 1.5 }, { title: "B" }]);
  await page.getByRole("link", { name: /^Log/ }).click();
  await page.getByText("Crawled 190 pages").waitFor();
  await page.getByRole("link", { name: /^Items/ }).click();
  await page.getByRole("columnheader", { name: "title" }).waitFor();
  await page.getByText("50 %").first().waitFor();

  await page.getByRole("button", { name: "Stop", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Stop", exact: true }).click();
  await page.getByText("stop requested").waitFor();
  await update(key, { state: "finished", close_reason: "cancelled" });
  await page.locator("h1 .badge", { hasText: "cancelled" }).waitFor();

  await page.getByRole("button", { name: "Run again" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Run again" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  const again = JSON.parse(await call("GET", `/api/jobs/list.json?project=${project}&state=pending`)).jobs;
  assert.deepEqual(
    again.map(({ id, tags, spider_args }) => ({ id, tags, spider_args })),
    [{ id: `${project}/1/2`, tags: ["daily", "eu"], spider_args: { city: "Rome" } }],
  );

  await page.goto(`${url}/p/${project}/jobs`);
  await page.getByLabel(`Select ${key}`).check();
  await page.getByRole("button", { name: "Tag", exact: true }).click();
  await page.getByRole("dialog").locator("input").fill("seen");
  await page.getByRole("dialog").getByRole("button", { name: "Tag", exact: true }).click();
  await page.locator("td .chip", { hasText: "seen" }).waitFor();
  await page.getByLabel(`Select ${key}`).check();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByLabel(`Select ${key}`).waitFor({ state: "detached" });
  await page.getByRole("group", { name: "States" }).getByRole("button", { name: "deleted" }).click();
  await page.getByLabel(`Select ${key}`).check();
  await page.getByRole("button", { name: "Restore", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Restore", exact: true }).click();
  await page.getByLabel(`Select ${key}`).waitFor({ state: "detached" });
  assert.equal(await call("GET", `/jobs/${key}/state`), '"finished"');
});
console.log("scheduled, ran, stopped, again, tagged, deleted, restored");
