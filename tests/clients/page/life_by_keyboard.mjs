// The life of a job by the keyboard alone: from the login form on, no mouse is touched.
import assert from "node:assert/strict";
import { call, inBrowser, key as apiKey, project, schedule, startNext, update, url } from "./support.mjs";

await schedule("quotes", [["city", "Oslo"]]);
await inBrowser(
  async (page) => {
    const keys = async (...all) => {
      for (const key of all) await page.keyboard.press(key);
    };
    await page.goto(`${url}/p/${project}/jobs`);
    await page.getByLabel("API key").waitFor();
    await page.keyboard.type(apiKey);
    await keys("Enter");
    await page.getByRole("heading", { name: "Jobs" }).waitFor();
    await page.getByLabel(`Select ${project}/1/1`).waitFor();

    await keys("?");
    await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
    await keys("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await keys("g", "s");
    await page.waitForURL(`${url}/p/${project}/schedule`);
    await page.locator("input[list=spiders]").waitFor();
    await page.waitForFunction(() => document.activeElement?.matches("input[list=spiders]"));
    await page.keyboard.type("books");
    await keys("Enter");
    const key = `${project}/2/1`;
    await page.waitForURL(`${url}/p/${key}`);
    await page.locator("h1 .badge", { hasText: "pending" }).waitFor();

    await keys("g", "j");
    await page.getByLabel(`Select ${key}`).waitFor();
    await keys("/");
    await page.keyboard.type("spider:books");
    await keys("Enter", "Escape");
    await page.waitForURL(/q=spider%3Abooks/);
    await page.waitForFunction(() => document.querySelectorAll("tbody tr:not(.space)").length === 1);
    await keys("j", "Enter");
    await page.waitForURL(`${url}/p/${key}`);
    await startNext();
    await startNext();
    await page.locator("h1 .badge", { hasText: "running" }).waitFor();
    await keys("s");
    await page.getByRole("dialog").waitFor();
    await keys("Enter");
    await page.getByText("stop requested").waitFor();
    await update(key, { state: "finished", close_reason: "cancelled" });
    await page.locator("h1 .badge", { hasText: "cancelled" }).waitFor();
    await keys("R");
    await page.getByRole("dialog").waitFor();
    await keys("Enter");
    await page.getByText("1 job scheduled").waitFor();
    assert.match(
      await call("GET", `/jobq/${project}/list?state=pending`),
      new RegExp(`"key":"${project}/2/2"`),
    );
    await keys("L");
    await page.waitForURL(`${url}/p/${key}/log`);
    await keys("Control+k");
    await page.getByRole("dialog", { name: "Jump to" }).waitFor();
    await page.keyboard.type(`${project}/1/1`);
    await keys("Enter");
    await page.waitForURL(`${url}/p/${project}/1/1`);
  },
  { apiKey: "" },
);
console.log("the keyboard alone was enough");
