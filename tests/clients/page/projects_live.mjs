// Tabs of the screen of projects and of two projects are told of pushes by one feed; a new project comes by itself.
import { inBrowser, live, project, push, took, url } from "./support.mjs";

const other = project + 1;
await push([{ spider: "a" }]);
await push([{ spider: "a" }], other);
await inBrowser(async (page, context) => {
  const tab = async (path) => {
    const one = await context.newPage();
    await one.goto(url + path);
    await live(one).waitFor();
    return one;
  };
  const [first, second] = [await tab(`/p/${project}/jobs`), await tab(`/p/${other}/jobs`)];
  await page.goto(url);
  await live(page).waitFor();
  const pending = (of, count) =>
    page
      .getByRole("row", { name: new RegExp(`^Project ${of} ${count}\\b`) })
      .getByRole("link", { name: String(count), exact: true })
      .waitFor();
  await Promise.all([pending(project, 1), pending(other, 1)]);
  for (const [of, its, not] of [
    [project, first, second],
    [other, second, first],
  ]) {
    const [key] = await push([{ spider: "b" }], of);
    const ms = await took(() => Promise.all([its.getByLabel(`Select ${key}`).waitFor(), pending(of, 2)]));
    console.log(`a push was on the screens of its project and of all after ${ms} ms`);
    if (await not.getByLabel(`Select ${key}`).count()) throw new Error("it shows in the other project too");
  }
  await push([{ spider: "a" }], project + 2);
  await pending(project + 2, 1);
});
console.log("projects are live");
