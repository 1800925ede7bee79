// All jobs that match a search are changed at once, far more than are loaded; those that an act is not for stay.
import assert from "node:assert/strict";
import { call, inBrowser, project, push, url } from "./support.mjs";

const OLD = 1_500;
const count = async (query) => Number(await call("GET", `/jobq/${project}/count?${query}`));
await push(
  Array.from({ length: OLD }, (_, at) => ({
    spider: at % 3 ? "a" : "b",
    state: "finished",
    close_reason: "finished",
    tags: ["old"],
  })),
);
await push([{ spider: "a", tags: ["old"] }, { spider: "b" }]);

await inBrowser(async (page) => {
  const selectAll = async (search, matching) => {
    await page.goto(`${url}/p/${project}/jobs?q=${encodeURIComponent(search)}`);
    await page.locator(".window .pick input").nth(1).click();
    await page.getByRole("button", { name: `Select all ${matching} that match` }).click();
    await page.getByText(`${matching} jobs selected`).waitFor();
  };
  const confirm = async (act, typed, fill) => {
    await page.getByRole("button", { name: act, exact: true }).click();
    const dialog = page.getByRole("dialog");
    if (fill) await dialog.getByLabel("Tag").fill(fill);
    await dialog.getByLabel(`Type ${typed} to go on`).fill(String(typed));
    await dialog.getByRole("button", { name: act, exact: true }).click();
    return dialog;
  };
  const own = Math.ceil(OLD / 3);
  await selectAll("spider:b", own + 1);
  const tagged = await confirm("Tag", own + 1, "bulk");
  await tagged.waitFor({ state: "detached" });
  assert.equal(await count("has_tag=bulk&state=pending&state=finished"), own + 1);

  await selectAll("tag:old", "1,501");
  const stopped = await confirm("Stop", OLD + 1);
  await stopped.getByText("1 stopped, 1,500 left as they were").waitFor();
  await stopped.getByRole("button", { name: "Close", exact: true }).last().click();
  assert.equal(await count("state=pending"), 1);

  await selectAll("tag:bulk state:finished", own);
  const deleted = await confirm("Delete", own);
  await deleted.waitFor({ state: "detached" });
  await page.getByText("No job matches").waitFor();
  assert.equal(await count("has_tag=bulk&state=finished"), 0);
  assert.equal(await count("state=finished"), OLD + 1 - own);
});
console.log("all that match were tagged, stopped, deleted");
