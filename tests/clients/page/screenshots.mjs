// Pictures of every screen: light and dark, wide, middle and 320 px. Checks that none is wider than its window.
//   SCREENSHOTS=FOLDER (default: none are kept)  ONLY=name,name
import assert from "node:assert/strict";
import { join } from "node:path";
import { screens } from "./screens.mjs";
import { seed } from "./seed.mjs";
import { inBrowser, project, settled, url } from "./support.mjs";

const folder = process.env.SCREENSHOTS;
const only = process.env.ONLY?.split(",");
const seeded = process.env.SEEDED ? JSON.parse(process.env.SEEDED) : await seed();
const too = [];
for (const [width, height] of [
  [1440, 900],
  [768, 1024],
  [320, 640],
])
  for (const colorScheme of width === 1440 ? ["light", "dark"] : ["light"])
    await inBrowser(
      async (page) => {
        for (const [name, path] of screens(project, seeded)) {
          if (only && !only.includes(name)) continue;
          await page.goto(url + path);
          await settled(page);
          const wide = await page.evaluate(() => document.documentElement.scrollWidth);
          if (wide > width) too.push(`${name} is ${wide} px wide in a window of ${width}`);
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
