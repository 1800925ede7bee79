// A page of another site makes the browser write to the server, whose Basic credentials it knows:
// by a form, a fetch and a frame. Prints the status of each.
//   SPIDERQ_URL=http://127.0.0.1:6900 SPIDERQ_KEY=... node cross_site.mjs
import { chromium } from "playwright-core";

const { SPIDERQ_URL, SPIDERQ_KEY } = process.env;
// For a busy machine.
const timeout = 180_000;
const OWN = `${SPIDERQ_URL}/own.html`;
// Another site than 127.0.0.1.
const EVIL = "http://localhost:8080/page.html";

const evil = `<!doctype html><title>evil</title>
<form method="post" action="${SPIDERQ_URL}/api/run.json" target="frame">
  <input name="project" value="1"><input name="spider" value="evil">
</form>
<iframe name="frame"></iframe>`;

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  timeout,
  // A machine for tests lets no process make a sandbox, and lets nothing out.
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"],
});
try {
  // As after the visitor has logged in once: for the server's origin only.
  const context = await browser.newContext({
    permissions: ["local-network-access"],
    httpCredentials: { username: SPIDERQ_KEY, password: "", origin: SPIDERQ_URL },
  });
  context.setDefaultTimeout(timeout);
  const page = await context.newPage();
  // The pages come from nowhere; what they ask for goes to the server.
  await page.route(OWN, (route) => route.fulfill({ contentType: "text/html", body: "own" }));
  await page.route(EVIL, (route) => route.fulfill({ contentType: "text/html", body: evil }));
  const answer = (path) =>
    page.waitForResponse((response) => response.url().startsWith(`${SPIDERQ_URL}${path}`), { timeout });
  const act = async (name, path, action) => {
    const [response] = await Promise.all([answer(path), action()]);
    console.log(`${name} ${response.status()}`);
  };

  // A browser asks its reader for a page alone, and sends what it was told then with all that pages ask for.
  await page.goto(`${SPIDERQ_URL}/nowhere`);
  await page.goto(OWN);
  await act("own page", "/jobq/1/push", () =>
    page.evaluate(() => fetch("/jobq/1/push", { method: "POST", body: '{"spider":"own"}' })),
  );
  await page.goto(EVIL);
  await act("form", "/api/run.json", () => page.evaluate(() => document.forms[0].submit()));
  await act("fetch", "/jobq/1/push", () =>
    page.evaluate((url) => {
      const init = { method: "POST", mode: "no-cors", credentials: "include", body: '{"spider":"evil"}' };
      fetch(`${url}/jobq/1/push`, init).catch(() => {});
    }, SPIDERQ_URL),
  );
  await act("frame", "/ids/1/spider/evil", () =>
    page.evaluate((url) => {
      document.querySelector("iframe").src = `${url}/ids/1/spider/evil?create=1`;
    }, SPIDERQ_URL),
  );
} finally {
  await browser.close();
}
