import assert from "node:assert/strict";
import { test } from "node:test";
import { JobState } from "../../gen/spiderq/v1/job_pb.ts";
import { parse } from "./parse.ts";
import { statesOf } from "./states.ts";

test("an outcome is looked for among jobs that have ended", () => {
  const states = (text: string) => statesOf(parse(text));
  assert.deepEqual(states("outcome:failed"), [JobState.FINISHED]);
  assert.deepEqual(states("outcome:failed state:deleted"), [JobState.DELETED]);
  assert.deepEqual(states("spider:x"), []);
});
