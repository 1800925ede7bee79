// Texts of others appear as texts: markup, scripts, marks of direction, terminal codes, lines of a mebibyte.
import assert from "node:assert/strict";
import { append, call, inBrowser, project, push, startNext, update, url } from "./support.mjs";

const MARKUP = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>`;
const SPIDER = `<b>x</b>' "${MARKUP.slice(0, 60)}`;
const BIDI = "a\u202edlrow\u202c";
const TERMINAL = "\u001b[31mred\u001b]0;title\u0007";
const LINK = "javascript:window.hacked=1";

await call("POST", `/projects/${project}/settings`, JSON.stringify({ name: MARKUP, other: MARKUP + BIDI }));
await push([
  {
    spider: SPIDER,
    spider_args: { [MARKUP.slice(0, 80)]: BIDI, x: LINK },
    tags: [MARKUP, BIDI],
    version: MARKUP,
    environment: { A: TERMINAL },
  },
]);
const job = await startNext();
await append("logs", job, [
  { time: Date.now(), level: 20, message: MARKUP },
  { time: Date.now(), level: 40, message: `${TERMINAL}\n${MARKUP}\n${BIDI}` },
  { time: Date.now(), level: 20, message: "y".repeat(1_000_000) },
  { time: Date.now(), level: 20, message: `{{constructor.constructor('window.hacked=1')()}} ${"\u0000"}` },
]);
await append("items", job, [
  { [MARKUP]: MARKUP, link: LINK, __proto__: { hacked: 1 }, text: BIDI },
  { constructor: MARKUP, link: 'https://x.example/"><img src=x onerror=alert(1)>' },
]);
await append("requests", job, [
  { time: Date.now(), method: MARKUP, url: LINK, status: MARKUP, duration: MARKUP, rs: BIDI },
]);
await update(job, {
  state: "finished",
  close_reason: MARKUP.slice(0, 40),
  meta: { a: MARKUP },
  scrapystats: { [MARKUP.slice(0, 50)]: MARKUP },
});

await inBrowser(async (page) => {
  const shows = async (path, text) => {
    await page.goto(url + path);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.getByText(text).first().waitFor();
    const found = await page.evaluate(() => ({
      hacked: Boolean(window.hacked ?? {}.hacked),
      elements: document.querySelectorAll(
        "main img, main script, main b > x, main [onerror], a[href^='javascript:']",
      ).length,
    }));
    assert.deepEqual(found, { hacked: false, elements: 0 }, path);
  };
  await shows("/", "<img src=x");
  await shows(`/p/${project}`, "<img src=x");
  await shows(`/p/${project}/jobs`, "<b>x</b>");
  await shows(`/p/${job.split("/").slice(0, 2).join("/")}`, "<b>x</b>");
  await shows(`/p/${job}`, "<b>x</b>");
  // A mark of direction is named.
  await page.locator(".mark", { hasText: "U+202E" }).first().waitFor();
  await shows(`/p/${job}/log`, MARKUP);
  await page.locator(".mark", { hasText: "ESC" }).first().waitFor();
  assert.ok((await page.locator("#L2").innerText()).length < 5_000, "a long line is cut");
  await page.locator("#L1").getByRole("button", { name: /^Open/ }).click();
  await page.locator("#L1.open").getByText("<script>").waitFor();
  await page.locator("#L2").getByRole("button", { name: /^Open/ }).click();
  await page.getByRole("button", { name: /Show all 1,000,000/ }).click();
  await shows(`/p/${job}/items`, "onerror");
  await page.getByRole("button", { name: "JSON", exact: true }).click();
  await page.getByText("onerror").first().waitFor();
  await shows(`/p/${job}/requests`, "javascript:");
  await shows(`/p/${job}/stats`, "<script>");
  await shows(`/p/${job}/metadata`, "<script>");
  await shows(`/p/${project}/settings`, "onerror");
  await shows(`/p/${project}/schedule?like=${encodeURIComponent(job)}`, "--data-urlencode");
  await shows(`/p/${project}/jobs?q=${encodeURIComponent(MARKUP)}`, "No job matches");
});
console.log("all of it is text");
