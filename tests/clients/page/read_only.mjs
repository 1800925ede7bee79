// A key of role read changes nothing: no button does, no key press, and no call that a page can make with its session.
import assert from "node:assert/strict";
import { call, inBrowser, project, push, settled, startNext, url } from "./support.mjs";

await push([{ spider: "s", state: "finished", close_reason: "finished" }, { spider: "s" }, { spider: "t" }]);
const running = await startNext();
const readKey = process.env.SPIDERQ_READ_KEY;
assert.ok(readKey, "SPIDERQ_READ_KEY is a key of role read of the project");
const state = async () =>
  (
    await call(
      "GET",
      `/jobq/${project}/list?state=pending&state=running&state=finished&state=deleted&jobmeta=tags&jobmeta=priority`,
    )
  ).replace(/"elapsed":\d+/g, "");
const before = await state();
await inBrowser(
  async (page) => {
    for (const path of [
      `/p/${project}`,
      `/p/${project}/jobs`,
      `/p/${running}`,
      `/p/${running}/log`,
      `/p/${project}/1`,
      `/p/${project}/schedule`,
      `/p/${project}/settings`,
      "/admin/keys",
      "/admin/audit",
    ]) {
      await page.goto(url + path);
      await settled(page);
      const names = await page.getByRole("button").allInnerTexts();
      assert.deepEqual(
        names.filter((name) =>
          /^(Stop|Cancel|Run again|Delete|Tag|Save|Schedule|Restore|Make|Revoke|Set)/.test(name.trim()),
        ),
        [],
        path,
      );
      if (path === `/p/${project}/jobs`) await page.getByText("1/1", { exact: true }).waitFor();
      for (const key of ["j", "x", "s", "R", "#", "+", "Enter", "s", "R", "#", "+"])
        await page.keyboard.press(key);
      // A dialog would be there by the second frame after its key.
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
      assert.equal(await page.getByRole("dialog").count(), 0);
    }
    await page.goto(`${url}/p/${project}`);
    // What a script on the page could do with the session's cookie.
    const answers = await page.evaluate(
      async ([key, project]) => {
        const form = (path, body) =>
          fetch(path, {
            method: "POST",
            headers: { "content-type": "application/x-www-form-urlencoded" },
            body,
          }).then((answer) => answer.status);
        return [
          await form("/api/jobs/stop.json", `project=${project}&job=${key}`),
          await form("/api/run.json", `project=${project}&spider=x`),
          await form("/api/jobs/delete.json", `project=${project}&job=${project}/1/1`),
          await fetch(`/jobs/${key}`, { method: "DELETE" }).then((answer) => answer.status),
          await fetch(`/projects/${project}/settings`, { method: "POST", body: '{"max_running":0}' }).then(
            (answer) => answer.status,
          ),
          // StopJobs of the project, by the filter of its key.
          await fetch("/spiderq.v1.JobService/StopJobs", {
            method: "POST",
            headers: { "content-type": "application/grpc-web+proto", "x-grpc-web": "1" },
            body: new Uint8Array([
              ...[0, 0, 0, 0, 6 + key.length, 8, project, 18, key.length + 2, 10, key.length],
              ...new TextEncoder().encode(key),
            ]),
          }).then((answer) => answer.headers.get("grpc-status")),
        ];
      },
      [running, project],
    );
    // The session's cookie counts for no write over HTTP, and a `read` key may not over gRPC-Web.
    assert.deepEqual(answers, [401, 401, 401, 401, 401, "7"]);
    assert.equal(await page.evaluate(() => document.cookie), "");
    assert.deepEqual(
      await page.evaluate(() =>
        Object.entries(localStorage)
          .concat(Object.entries(sessionStorage))
          .filter(([, value]) => /[0-9a-f]{32}/.test(value)),
      ),
      [],
    );
  },
  { apiKey: readKey },
);
assert.equal(await state(), before);
console.log("nothing changed");
