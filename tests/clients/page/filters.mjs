// The address is the filter: searches are steps of the history, and an address opens the same list anew.
import assert from "node:assert/strict";
import { inBrowser, project, push, url } from "./support.mjs";
import { stats } from "./seed.mjs";

const done = (spider, close_reason, city, items, errors, tags = []) => ({
  spider,
  state: "finished",
  close_reason,
  spider_args: { city },
  tags,
  scrapystats: stats(items, items, errors),
});
await push([
  done("a", "finished", "Rome", 10, 0, ["x"]),
  done("a", "failed", "Oslo", 0, 2),
  done("b", "finished", "Rome", 500, 1, ["x", "y"]),
  done("b b", "failed", "Rome", 3, 9),
]);
await inBrowser(async (page) => {
  const rows = async (expected) => {
    try {
      await page.waitForFunction(
        (wanted) =>
          JSON.stringify(
            [...document.querySelectorAll("tbody tr:not(.space) a")]
              .filter((link) => /^\d+\/\d+$/.test(link.textContent))
              .map((link) => link.textContent)
              .sort(),
          ) === JSON.stringify(wanted),
        expected,
      );
    } catch {
      assert.fail(`${page.url()} shows ${await page.locator("tbody").innerText()}, not ${expected}`);
    }
  };
  const search = async (text) => {
    await page.getByRole("combobox", { name: "Search jobs" }).fill(text);
    await page.getByRole("combobox", { name: "Search jobs" }).press("Enter");
  };
  await page.goto(`${url}/p/${project}/jobs`);
  await rows(["1/1", "1/2", "2/1", "3/1"]);
  const cases = [
    ["spider:a", ["1/1", "1/2"]],
    ['spider:"b b"', ["3/1"]],
    ["tag:x -tag:y", ["1/1"]],
    ["outcome:failed", ["1/2", "3/1"]],
    ["arg.city:Rome errors:>0", ["2/1", "3/1"]],
    ["items:<10 since:1h", ["1/2", "3/1"]],
    ["oslo", ["1/2"]],
    ["since:2000-01-01 until:2000-02-01", []],
  ];
  for (const [text, expected] of cases) {
    await search(text);
    await page.waitForURL((to) => to.searchParams.get("q") === text);
    await rows(expected);
  }
  for (const [text, expected] of cases.slice(0, -1).reverse()) {
    await page.goBack();
    assert.equal(new URL(page.url()).searchParams.get("q"), text);
    await rows(expected);
  }
  await page.goForward();
  await rows(cases[1][1]);
  await page.reload();
  await rows(cases[1][1]);
  await search("errors:many");
  await page.getByText("accepted are <N").waitFor();
  await page.getByRole("button", { name: "Remove errors:many" }).click();
  await rows(["1/1", "1/2", "2/1", "3/1"]);
});
console.log("every filter, back and forward");
