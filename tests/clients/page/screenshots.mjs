// Pictures of every screen: light and dark, wide, at 200 % zoom and 320 px. Checks that nothing scrolls
// sideways.
//   SCREENSHOTS=FOLDER (default: none are kept)  ONLY=name,name
//   PICTURES=FOLDER SPIDERQ=PROGRAM  nothing but the pictures of README, of a day on a server of its own; small ones
//   where pngquant is there
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { stop } from "./fake_clock.mjs";
import { registerRunners } from "./runners.mjs";
import { screens } from "./screens.mjs";
import { seed } from "./seed.mjs";
import { inBrowser, project, settled, url } from "./support.mjs";

const folder = process.env.SCREENSHOTS;
const only = process.env.ONLY?.split(",");
const seeded = process.env.SEEDED ? JSON.parse(process.env.SEEDED) : await seed(process.env.PICTURES ? 120 : 60);
await registerRunners(["crawl@node-1", "crawl@node-2", "crawl@node-3"]);
if (process.env.PICTURES) await pictures(process.env.PICTURES);
else await all();
await stop();

async function all() {
const too = [];
// 720 px is half of 1440: a wide window at 200 % zoom.
for (const [width, height] of [
  [1440, 900],
  [720, 900],
  [320, 640],
])
  for (const colorScheme of width === 1440 ? ["light", "dark"] : ["light"])
    await inBrowser(
      async (page) => {
        for (const [name, path] of screens(project, seeded)) {
          if (only && !only.includes(name)) continue;
          await page.goto(url + path);
          await settled(page);
          for (const what of await page.evaluate(sideways)) too.push(`${name} at ${width} px: ${what}`);
          if (folder)
            await page.screenshot({
              path: join(folder, `${name}-${width}-${colorScheme}.png`),
              fullPage: width !== 1440,
            });
        }
        await page.goto(url);
      },
      { viewport: { width, height }, colorScheme },
    );
assert.deepEqual(too, []);
console.log("every screen fits its window");
}

/** The project, its jobs with a search, and the log of a job that failed: light and dark. */
async function pictures(into) {
  const search = encodeURIComponent("tag:daily items:>500 since:2d");
  for (const colorScheme of ["light", "dark"])
    await inBrowser(
      async (page) => {
        for (const [name, path, ready] of [
          ["project", `/p/${project}`, ".charts"],
          ["jobs", `/p/${project}/jobs?q=${search}`, ".window tr.chosen"],
          ["log", `/p/${seeded.job}/log#L4750`, "#L4750.marked"],
        ]) {
          await page.goto(url + path);
          await page.getByRole("heading", { level: 1 }).waitFor();
          if (name === "jobs") for (const row of [1, 2, 4]) await page.locator(".window .pick input").nth(row).click();
          if (name === "log") await page.locator("#L4750 .fold").click();
          await page.locator(ready).first().waitFor();
          await page.locator(".live.live").waitFor();
          const file = join(into, `${name}-${colorScheme}.png`);
          await page.screenshot({ path: file, animations: "disabled" });
          try {
            execFileSync("pngquant", ["--force", "--strip", "--speed", "1", "--output", file, "128", file]);
          } catch (error) {
            if (error.code !== "ENOENT") throw error;
          }
        }
        await page.goto(url);
      },
      { viewport: { width: 1440, height: 900 }, colorScheme },
    );
  console.log(`pictures in ${into}`);
}

/** What would have to be scrolled sideways to be seen. */
function sideways() {
  return [...document.querySelectorAll("*")]
    .filter((element) => element.scrollWidth > element.clientWidth + 1 && element.clientWidth)
    .filter((element) => element === document.documentElement || /auto|scroll/.test(getComputedStyle(element).overflowX))
    .map((element) => `${element.tagName}.${element.className} is ${element.scrollWidth} px wide in ${element.clientWidth}`);
}
