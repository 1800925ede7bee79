// axe-core on every screen, in both themes, and on what opens above them.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { screens } from "./screens.mjs";
import { seed } from "./seed.mjs";
import { inBrowser, project, settled, url } from "./support.mjs";

const axe = readFileSync(
  fileURLToPath(new URL("../../../node_modules/axe-core/axe.min.js", import.meta.url)),
  "utf8",
);
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const seeded = process.env.SEEDED ? JSON.parse(process.env.SEEDED) : await seed();
const found = [];
let looked = 0;
for (const colorScheme of ["light", "dark"]) {
  await inBrowser(
    async (page) => {
      const check = async (name) => {
        // Evaluated by the debugger, which the page's CSP does not hold back.
        await page.evaluate(axe);
        const { violations } = await page.evaluate(
          (tags) => window.axe.run(document, { runOnly: tags, resultTypes: ["violations"] }),
          TAGS,
        );
        looked++;
        for (const { id, nodes } of violations)
          found.push(
            `${name} ${colorScheme}: ${id}: ${nodes
              .slice(0, 3)
              .map(
                (node) => `${node.html.slice(0, 160)} ${node.any[0]?.message ?? node.all[0]?.message ?? ""}`,
              )
              .join(" | ")}`,
          );
      };
      for (const [name, path] of screens(project, seeded)) {
        await page.goto(url + path);
        await settled(page);
        await check(name);
      }
      await page.goto(`${url}/p/${project}/jobs`);
      await page
        .getByRole("checkbox", { name: /^Select \d/ })
        .first()
        .check();
      await check("selected");
      await page.getByRole("button", { name: "Delete", exact: true }).click();
      await check("question");
      await page.keyboard.press("Escape");
      await page.getByRole("combobox", { name: "Search jobs" }).focus();
      await page.keyboard.type("spider:");
      await check("suggestions");
      await page.keyboard.press("Control+k");
      await check("palette");
      await page.keyboard.press("Escape");
      await page.goto(`${url}/p/${project}`);
      await page.getByRole("button", { name: "You and the page" }).click();
      await check("menu");
      await page.getByRole("button", { name: "Log out" }).click();
      await page.getByLabel("API key").waitFor();
      await check("login");
    },
    { colorScheme },
  );
}
assert.deepEqual(found, []);
console.log(`no violation in ${looked} looks`);
