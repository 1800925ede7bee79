// A job that is pushed after a screen has read its list and before its feed has begun is shown all the same.
import { inBrowser, project, push, url } from "./support.mjs";

await push([{ spider: "before" }]);
await inBrowser(async (page) => {
  // The feed is then the tab's own, so that its call can be held up here.
  await page.addInitScript(() => {
    delete window.SharedWorker;
  });
  for (const [path, shown] of [
    ["jobs", (key) => page.getByLabel(`Select ${key}`)],
    ["", (key) => page.getByRole("link", { name: key.slice(key.indexOf("/") + 1), exact: true }).first()],
  ]) {
    let release;
    const held = new Promise((done) => {
      release = done;
    });
    await page.route("**/WatchJobs", (route) => held.then(() => route.continue()));
    await page.goto(`${url}/p/${project}/${path}`);
    await shown(`${project}/1/1`).waitFor();
    const [key] = await push([{ spider: `between ${path}` }]);
    release();
    await shown(key).waitFor();
    await page.unroute("**/WatchJobs");
  }
});
console.log("nothing is lost before the feed begins");
