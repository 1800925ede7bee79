import assert from "node:assert/strict";
import { test } from "node:test";
import { EMPTY_DRAFT, inCurl, inGrpc, inPython, inShub, objectProblem } from "./draft.ts";

Object.assign(globalThis, { location: { origin: "http://h:1" } });
const draft = {
  ...EMPTY_DRAFT,
  spider: "s",
  args: [["q", "it's; rm -rf /"]] as [string, string][],
  tags: "a, b,a",
  settings: '{"A": true}',
};

test("texts of a shell can't leave their quotes", () => {
  assert.match(inCurl(7, draft), /--data-urlencode 'q=it'\\''s; rm -rf \/'/);
  assert.match(inShub(7, draft), /-a 'q=it'\\''s; rm -rf \/'/);
  assert.match(inGrpc(7, draft), /it'\\''s; rm -rf/);
});
test("Python gets its own words, and text beyond ASCII escaped", () => {
  assert.match(inPython(7, draft), /job_settings=\{"A": True\}/);
  assert.match(inPython(7, { ...draft, spider: "\u202e" }), /"\\u202e"/);
});
test("JSON is judged as it is typed", () => {
  assert.equal(objectProblem(""), undefined);
  assert.equal(objectProblem('{"A": 1}'), undefined);
  assert.match(objectProblem("{")!, /Not JSON yet/);
  assert.match(objectProblem("[1]")!, /object is needed/);
  assert.match(objectProblem('{"A": 1}', true)!, /A: a text/);
});
