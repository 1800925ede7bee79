import assert from "node:assert/strict";
import { test } from "node:test";
import { parse, quote, toggled, without, words } from "./parse.ts";

test("every kind of condition is read", () => {
  const query = parse(
    'spider:x tag:y -tag:z state:running outcome:failed arg.city:"New York" priority:3 errors:>0 items:<=10 runtime:>5m runner:R2 since:2d quotes 53/7/81',
  );
  assert.deepEqual(query, {
    states: ["running"],
    spiders: ["x"],
    tags: ["y"],
    lacksTags: ["z"],
    outcomes: ["failed"],
    args: { city: "New York" },
    priorities: [3],
    bounds: [
      { counter: "errors", is: ">", value: 0 },
      { counter: "items", is: "<=", value: 10 },
      { counter: "runtime", is: ">", value: 300_000 },
    ],
    runners: ["r2"],
    since: { back: 172_800_000 },
    words: ["quotes"],
    keys: ["53/7/81"],
    problems: [],
  });
});
test("what can't be read is told with what is accepted, and the rest holds", () => {
  const query = parse("errors:many state:done since:soon colour:red tag: spider:a");
  assert.equal(query.problems.length, 5);
  assert.match(query.problems[0]!, /errors:many: accepted are <N/);
  assert.match(query.problems[1]!, /accepted are pending, running, finished, deleted/);
  assert.deepEqual(query.spiders, ["a"]);
});
test("a date is taken as since", () =>
  assert.deepEqual(parse("since:2026-11-30").since, { at: Date.UTC(2026, 10, 30) }));
test("quotes hold blanks, and a value is quoted where it must be", () => {
  assert.deepEqual(words('a "b c" d:"e \\"f"'), ["a", "b c", 'd:e "f']);
  for (const value of ["x", "a b", 'say "hi"', "back\\slash", ""])
    assert.deepEqual(words("tag:" + quote(value)), ["tag:" + value]);
});
test("a word is added once and taken off again", () => {
  assert.equal(toggled("spider:a", "tag:b c"), 'spider:a tag:"b c"');
  assert.equal(toggled('spider:a tag:"b c"', "tag:b c"), "spider:a");
  assert.equal(without("state:running spider:a state:pending", "state:"), "spider:a");
});
