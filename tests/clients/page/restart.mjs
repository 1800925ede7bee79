// The server is killed under an open page and started again on the same address and store: the page says so, and goes on
// with its session. Whoever runs this program does both, for a line that it prints, and answers with a line:
//   kill → killed, start → started
import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { inBrowser, live, project, push, url } from "./support.mjs";

const input = createInterface({ input: process.stdin });
const answers = input[Symbol.asyncIterator]();
const ask = async (what, answer) => {
  console.log(what);
  assert.equal((await answers.next()).value, answer);
};

await push([{ spider: "before" }]);
await inBrowser(async (page, context, faults) => {
  await page.goto(`${url}/p/${project}/jobs`);
  await page.getByLabel(`Select ${project}/1/1`).waitFor();
  await live(page).waitFor();
  await ask("kill", "killed");
  await page.getByRole("button", { name: /^reconnecting/ }).waitFor();
  // What it had read stays, and a call says why nothing comes.
  await page.getByRole("combobox", { name: "Search jobs" }).fill("spider:after");
  await page.getByRole("combobox", { name: "Search jobs" }).press("Enter");
  await page.getByRole("alert").filter({ hasText: "The server can't be reached" }).first().waitFor();
  await ask("start", "started");
  const [missed] = await push([{ spider: "after" }]);
  await page.getByLabel(`Select ${missed}`).waitFor();
  await live(page).waitFor();
  const [told] = await push([{ spider: "after" }]);
  await page.getByLabel(`Select ${told}`).waitFor();
  await page.getByText("The server can't be reached").first().waitFor({ state: "detached" });
  assert.equal(await page.getByLabel("API key").count(), 0);
  const session = await page.evaluate(() => fetch("/session").then((answer) => answer.json()));
  assert.equal(session.owner, "admin");
  faults.length = 0;
});
input.close();
console.log("went on with its session");
