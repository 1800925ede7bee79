import assert from "node:assert/strict";
import { test } from "node:test";
import type { Feed, FromFeed } from "./feed.ts";
import { hub, type Listener } from "./hub.ts";
import type { FromWorker } from "./protocol.ts";

/** A hub over feeds that the test speaks for. */
function under() {
  const feeds: { project: number; signal: AbortSignal; send: (message: FromFeed) => void }[] = [];
  const run = (feed: Feed) =>
    new Promise<void>((done) => {
      feeds.push(feed);
      feed.signal.addEventListener("abort", () => done());
    });
  const handle = hub(run, () => () => assert.fail());
  const tab = (project: number) => {
    const got: FromWorker[] = [];
    const listener: Listener = { postMessage: (message) => got.push(message) };
    const watch = (project: number) => handle(listener, { say: "watch", project, url: "" });
    watch(project);
    return { got, watch, leave: (now: boolean) => handle(listener, { say: "unwatch", now }) };
  };
  return { feeds, tab };
}
const event = (project: number, progress = false) => ({ project, progress, bytes: new Uint8Array([project]) });
const live: FromFeed = { say: "state", state: "live", retryAt: 0 };

test("one feed serves tabs of several projects, each with its own events", () => {
  const { feeds, tab } = under();
  const [seven, eight, all] = [tab(7), tab(8), tab(0)];
  assert.deepEqual(
    feeds.map((feed) => feed.project),
    [0],
  );
  feeds[0]!.send(live);
  for (const each of [seven, eight, all]) each.got.length = 0;
  feeds[0]!.send({ say: "events", events: [event(7, true), event(8), event(9)] });
  feeds[0]!.send({ say: "again", project: 8 });
  assert.deepEqual(seven.got, [{ say: "events", project: 7, events: [new Uint8Array([7])] }]);
  assert.deepEqual(eight.got, [
    { say: "events", project: 8, events: [new Uint8Array([8])] },
    { say: "again", project: 8 },
  ]);
  assert.deepEqual(all.got, [
    { say: "events", project: 0, events: [new Uint8Array([8]), new Uint8Array([9])] },
    { say: "again", project: 0 },
  ]);
  const late = tab(9);
  assert.deepEqual(late.got, [{ ...live, project: 9 }]);
  seven.watch(9);
  assert.equal(feeds.length, 1);
});

test("a key of too many projects has a feed for each project that is looked at", () => {
  const { feeds, tab } = under();
  const [seven, again, eight, all] = [tab(7), tab(7), tab(8), tab(0)];
  feeds[0]!.send({ say: "many" });
  assert.deepEqual(
    feeds.map((feed) => feed.project),
    [0, 7, 8],
  );
  assert.deepEqual(all.got.at(-1), { say: "state", project: 0, state: "off", retryAt: 0 });
  feeds[1]!.send({ say: "again", project: 0 });
  for (const each of [seven, again]) assert.deepEqual(each.got.at(-1), { say: "again", project: 7 });
  assert.notEqual(eight.got.at(-1)!.say, "again");
});

test("the feed ends with the last tab, and at once with the session", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { feeds, tab } = under();
  const [one, two] = [tab(7), tab(8)];
  one.leave(false);
  context.mock.timers.tick(60_000);
  assert.equal(feeds[0]!.signal.aborted, false);
  two.leave(false);
  assert.equal(feeds[0]!.signal.aborted, false);
  two.watch(8);
  context.mock.timers.tick(60_000);
  assert.equal(feeds[0]!.signal.aborted, false);
  two.leave(true);
  assert.equal(feeds[0]!.signal.aborted, true);
  tab(8);
  assert.equal(feeds.length, 2);
});
