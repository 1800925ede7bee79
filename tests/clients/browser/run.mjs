// Opens life.html in a headless Chromium and prints what it shows. Makes the page's code
// first: messages by buf, one file of it all by esbuild.
//   SPIDERQ_URL=http://127.0.0.1:6900 SPIDERQ_KEY=... node run.mjs
// PAGE_ORIGIN is where the page seems to come from: by default the server itself, as behind
// one proxy. From another origin the server must allow it (CORS).
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import { chromium } from "playwright-core";

const { SPIDERQ_URL, SPIDERQ_KEY, PAGE_ORIGIN = SPIDERQ_URL } = process.env;
// For a busy machine.
const timeout = 180_000;
const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const tools = path("../../../node_modules/.bin");

execFileSync(`${tools}/buf`, ["generate", path("../../../proto")], {
  cwd: path("."),
  env: { ...process.env, PATH: `${tools}:${process.env.PATH}` },
});
const built = buildSync({ entryPoints: [path("life.js")], bundle: true, write: false });

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  timeout,
  // A machine for tests lets no process make a sandbox, and lets nothing out.
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"],
});
try {
  // A page that came from nowhere must be allowed to call a server on this machine.
  const context = await browser.newContext({ permissions: ["local-network-access"] });
  const page = await context.newPage();
  page.on("console", (message) => console.error(message.text()));
  page.on("pageerror", (error) => console.error(error));
  // The browser is given the page without asking a server for it.
  await page.route("**/page/life.html", (route) => route.fulfill({ path: path("life.html") }));
  await page.route("**/page/life.bundle.js", (route) =>
    route.fulfill({ contentType: "text/javascript", body: built.outputFiles[0].text }),
  );
  await page.goto(`${PAGE_ORIGIN}/page/life.html#url=${SPIDERQ_URL}&key=${SPIDERQ_KEY}`, { timeout });
  const life = page.locator("#life", { hasText: "the end" });
  await life.waitFor({ timeout });
  process.stdout.write((await life.textContent()).replace("the end\n", ""));
} finally {
  await browser.close();
}
