import assert from "node:assert/strict";
import { test } from "node:test";
import { pieces, visible } from "./visible.ts";

test("plain text of any script is left alone", () => {
  for (const text of ["a <b>", "日本語", "עברית", "emoji 🕷", "tab\tand\nline"])
    assert.deepEqual(pieces(text), [{ text, mark: false }]);
});
test("marks of direction and terminal codes are named", () => {
  assert.equal(visible("a\u202eb"), "a⟨U+202E⟩b");
  assert.equal(visible("\u001b[31mred\u0000"), "⟨ESC⟩[31mred⟨NUL⟩");
  assert.equal(visible("x\u200by\u2066"), "x⟨U+200B⟩y⟨U+2066⟩");
});
