// What the tests of the page share: a browser that is logged in, calls of the HTTP API beside it, and waiting for what
// must come. Each test is a program of its own; it reads the server's address and an admin key from the environment:
//   SPIDERQ_URL=http://127.0.0.1:6900 SPIDERQ_API_KEY=... node life.mjs
// It prints what was measured, and ends with an error where something does not hold.
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

export const url = process.env.SPIDERQ_URL;
export const key = process.env.SPIDERQ_API_KEY;
/** For a busy machine. ms */
export const TIMEOUT = Number(process.env.PAGE_TIMEOUT ?? 60_000);
/** A project that no other test of the same server uses. */
export const project = Number(process.env.SPIDERQ_PROJECT ?? 1_000 + (process.pid % 100_000));
const basic = (apiKey) => `Basic ${Buffer.from(`${apiKey}:`).toString("base64")}`;

/** Calls the HTTP API; form fields as `[name, value]` pairs, or a text body. */
export async function call(method, path, body, apiKey = key) {
  const form = Array.isArray(body);
  const response = await fetch(url + path, {
    method,
    headers: {
      authorization: basic(apiKey),
      ...(form ? { "content-type": "application/x-www-form-urlencoded" } : {}),
    },
    body: form ? new URLSearchParams(body) : body,
  });
  const text = await response.text();
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${text.slice(0, 300)}`);
  return text;
}
/** Schedules a job and answers its key. */
export const schedule = async (spider, fields = []) =>
  JSON.parse(await call("POST", "/api/run.json", [["project", project], ["spider", spider], ...fields]))
    .jobid;
/** Adds jobs in any state by lines of JobQ. */
export const push = async (jobs, to = project) =>
  (await call("POST", `/jobq/${to}/push`, jobs.map((job) => JSON.stringify(job)).join("\n")))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).key);
/** Starts the next job: its key. */
export const startNext = async () => JSON.parse(await call("POST", `/jobq/${project}/startjob`)).key;
export const update = (job, fields) =>
  call("POST", `/jobq/${project}/update`, JSON.stringify({ key: job, ...fields }));
/** Appends lines, objects, to an output (`logs`, `items`, `requests`) at its end. */
export const append = (kind, job, lines, start = 0) =>
  call("POST", `/${kind}/${job}?start=${start}`, lines.map((line) => JSON.stringify(line)).join("\n"));

/** Opens a browser and runs `test` with a logged-in page; fails on script errors and on anything CSP refuses. */
export async function inBrowser(test, { apiKey = key, ...options } = {}) {
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    timeout: TIMEOUT,
    // A machine for tests lets no process make a sandbox, and lets nothing out.
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"],
  });
  const faults = [];
  try {
    const context = await browser.newContext({
      viewport: { width: 1440, height: 900 },
      // What moves is looked at where it ends.
      reducedMotion: "reduce",
      ...options,
    });
    context.setDefaultTimeout(TIMEOUT);
    context.on("page", (page) => watch(page, faults));
    const page = await context.newPage();
    await page.addInitScript(() => {
      addEventListener("securitypolicyviolation", (event) =>
        console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`),
      );
    });
    if (apiKey) await logIn(page, apiKey);
    await test(page, context, faults);
  } finally {
    await browser.close();
  }
  assert.deepEqual(faults, []);
}
function watch(page, faults) {
  page.on("pageerror", (error) => faults.push(`error: ${error.stack ?? error}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
      faults.push(message.text());
  });
}
export async function logIn(page, apiKey = key) {
  await page.goto(`${url}/login`);
  await page.getByLabel("API key").fill(apiKey);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("navigation", { name: "Screens" }).waitFor();
}
/** Waits until the screen has its heading and has loaded what it shows. */
export async function settled(page) {
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.waitForFunction(() => !document.querySelector(".waiting:not(.empty *)"));
}
/** The mark that says that the page is told of what happens. */
export const live = (page) => page.getByRole("button", { name: "live", exact: true });
/** The badge of a job's state, beside its name. */
export const badge = (page, state) => page.locator("h1 .badge", { hasText: state });
/** Milliseconds until `what` holds. */
export async function took(what) {
  const begin = performance.now();
  await what();
  return Math.round(performance.now() - begin);
}
