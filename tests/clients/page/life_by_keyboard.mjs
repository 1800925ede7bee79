// The life of a job by the keyboard alone: from the login form on, no mouse is touched.
import assert from "node:assert/strict";
import {
  badge,
  call,
  inBrowser,
  key as apiKey,
  project,
  schedule,
  startNext,
  update,
  url,
} from "./support.mjs";

await schedule("quotes", [["city", "Oslo"]]);
await inBrowser(
  async (page) => {
    const keys = async (...all) => {
      for (const key of all) await page.keyboard.press(key);
    };
    const focus = (selector) =>
      page.waitForFunction((wanted) => document.activeElement?.matches(wanted), selector);
    const dialog = page.getByRole("dialog");
    // The second of two keys counts within a time: for this page it stands still.
    await page.clock.setFixedTime(Date.now());
    await page.goto(`${url}/p/${project}/jobs`);
    await focus("input[name=api_key]");
    await page.keyboard.type(apiKey);
    await keys("Enter");
    await page.getByLabel(`Select ${project}/1/1`).waitFor();

    await keys("?");
    await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
    await keys("Escape");
    await dialog.waitFor({ state: "detached" });
    await keys("g", "s");
    await page.waitForURL(`${url}/p/${project}/schedule`);
    await focus("input[list=spiders]");
    await page.keyboard.type("books");
    await keys("Enter");
    const key = `${project}/2/1`;
    await page.waitForURL(`${url}/p/${key}`);
    await badge(page, "pending").waitFor();

    await keys("g", "j");
    await page.getByLabel(`Select ${key}`).waitFor();
    await keys("/");
    await focus("#search");
    await page.keyboard.type("spider:books");
    await keys("Enter");
    await page.waitForURL(/q=spider%3Abooks/);
    await page.locator("#search[aria-expanded=false]").waitFor();
    await keys("Escape");
    await focus("body");
    await page.waitForFunction(() => document.querySelectorAll("tbody tr:not(.space)").length === 1);
    await keys("j");
    await page.locator("tr.at").waitFor();
    await keys("Enter");
    await page.waitForURL(`${url}/p/${key}`);
    await startNext();
    await startNext();
    await badge(page, "running").waitFor();
    await keys("s");
    await focus("dialog[open] button[type=submit]");
    await keys("Enter");
    await page.getByText("stop requested").waitFor();
    await dialog.waitFor({ state: "detached" });
    await update(key, { state: "finished", close_reason: "cancelled" });
    await badge(page, "cancelled").waitFor();
    await keys("R");
    await focus("dialog[open] button[type=submit]");
    await keys("Enter");
    await dialog.waitFor({ state: "detached" });
    assert.match(
      await call("GET", `/jobq/${project}/list?state=pending`),
      new RegExp(`"key":"${project}/2/2"`),
    );
    await keys("L");
    await page.waitForURL(`${url}/p/${key}/log`);
    await keys("Control+k");
    await focus("dialog[open] input");
    await page.keyboard.type(`${project}/1/1`);
    await page.getByRole("option", { name: `Job ${project}/1/1`, selected: true }).waitFor();
    await keys("Enter");
    await page.waitForURL(`${url}/p/${project}/1/1`);
  },
  { apiKey: "" },
);
console.log("the keyboard alone was enough");
