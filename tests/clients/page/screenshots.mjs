// Pictures of every screen: light and dark, wide, at 200 % zoom and 320 px. Checks that nothing scrolls
// sideways.
//   SCREENSHOTS=FOLDER (default: none are kept)  ONLY=name,name
import assert from "node:assert/strict";
import { join } from "node:path";
import { screens } from "./screens.mjs";
import { seed } from "./seed.mjs";
import { inBrowser, project, url } from "./support.mjs";

const folder = process.env.SCREENSHOTS;
const only = process.env.ONLY?.split(",");
const seeded = process.env.SEEDED ? JSON.parse(process.env.SEEDED) : await seed();
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
          await page.getByRole("heading", { level: 1 }).waitFor();
          await page.waitForFunction(() => !document.querySelector(".waiting:not(.empty *)"));
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

/** What would have to be scrolled sideways to be seen. */
function sideways() {
  return [...document.querySelectorAll("*")]
    .filter((element) => element.scrollWidth > element.clientWidth + 1 && element.clientWidth)
    .filter((element) => element === document.documentElement || /auto|scroll/.test(getComputedStyle(element).overflowX))
    .map((element) => `${element.tagName}.${element.className} is ${element.scrollWidth} px wide in ${element.clientWidth}`);
}
