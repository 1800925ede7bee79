import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { type WatchJobsResponse, WatchJobsResponseSchema } from "../../gen/spiderq/v1/job_service_pb.ts";
import { type Feed, feed, type FromFeed } from "./feed.ts";

const moved = (cursor: string) =>
  create(WatchJobsResponseSchema, { cursor, event: { case: "cursorMoved", value: {} } });
const created = (cursor: string, key: string) =>
  create(WatchJobsResponseSchema, { cursor, job: { key }, event: { case: "created", value: {} } });
const progress = (cursor: string, key: string) =>
  create(WatchJobsResponseSchema, { cursor, job: { key }, event: { case: "progress", value: {} } });

/** Feeds on streams that answer `streams` in turn; what was asked for, and what was told until the last one was. */
async function fed(streams: (WatchJobsResponse | ConnectError)[][], project = 0) {
  const asked: unknown[] = [];
  const told: FromFeed[] = [];
  const stop = new AbortController();
  const watch: Feed["watch"] = async function* (request, options) {
    const { progress, ...what } = request as Record<string, unknown>;
    assert.equal(progress, true);
    asked.push(what);
    const answers = streams.shift();
    if (!answers) {
      stop.abort();
      throw new ConnectError("aborted", Code.Canceled);
    }
    if (!(answers[0] instanceof ConnectError)) options.onHeader?.(new Headers());
    for (const answer of answers) {
      if (answer instanceof ConnectError) throw answer;
      yield answer;
    }
    await new Promise((done) => setTimeout(done, 60));
  };
  await feed({ project, watch, signal: stop.signal, send: (message) => told.push(message) });
  return { asked, told: told.map(short) };
}
function short(message: FromFeed) {
  if (message.say === "state") return message.state;
  if (message.say === "events")
    return message.events.map(({ project, progress }) => `${project}${progress ? " progress" : ""}`);
  return message.say === "again" ? `again ${message.project}` : message.say;
}

test("all projects are watched, and each goes on at its cursor", async () => {
  const { asked, told } = await fed([
    [moved("7-1-a"), moved("1f-9-b"), created("7-2-a", "7/1/1"), progress("1f-9-b", "31/1/1")],
    [moved("7-2-a"), moved("1f-9-b"), created("1f-a-b", "31/1/2")],
  ]);
  assert.deepEqual(asked, [
    { allProjects: true, cursors: [] },
    { allProjects: true, cursors: ["7-2-a", "1f-9-b"] },
    { allProjects: true, cursors: ["7-2-a", "1f-a-b"] },
  ]);
  assert.deepEqual(told, [
    "connecting",
    "live",
    ["7", "31 progress"],
    "again 0",
    "reconnecting",
    "live",
    ["31"],
    "reconnecting",
  ]);
});

test("a project that comes later is to be listed", async () => {
  const { told } = await fed([[moved("7-1-a")], [moved("7-1-a"), moved("8-0-a")]]);
  assert.deepEqual(told.slice(4), ["live", "again 8", "reconnecting"]);
});

test("where a cursor is gone, all is listed again", async () => {
  const { asked, told } = await fed([[moved("7-1-a")], [new ConnectError("", Code.OutOfRange)], [moved("7-9-a")]]);
  assert.deepEqual(asked.slice(2), [
    { allProjects: true, cursors: [] },
    { allProjects: true, cursors: ["7-9-a"] },
  ]);
  assert.deepEqual(told.slice(4), ["reconnecting", "live", "again 0", "reconnecting"]);
});

test("a key that may not watch is told so, one of too many projects too", async () => {
  const { told } = await fed([[new ConnectError("", Code.PermissionDenied)]]);
  assert.deepEqual(told, ["connecting", "denied"]);
  const many = await fed([[new ConnectError("", Code.InvalidArgument)]]);
  assert.deepEqual(many.told, ["connecting", "many"]);
  const one = await fed([[new ConnectError("", Code.Unavailable)], [moved("7-1-a")]], 7);
  assert.deepEqual(one.asked, [
    { project: 7n, cursor: "" },
    { project: 7n, cursor: "" },
    { project: 7n, cursor: "7-1-a" },
  ]);
});
