// Texts of others may hold marks that turn the reading direction, hide, or steer a terminal. They are shown as marks.

// C0 and C1 controls but tab and line feed, marks of direction and width zero, line separators, tags, BOM.
const HIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/u;
const NAMES: Record<number, string> = {
  0x1b: "ESC",
  0x0d: "CR",
  0: "NUL",
  0x7f: "DEL",
  0x08: "BS",
  0x07: "BEL",
  0xfeff: "BOM",
};

export interface Piece {
  text: string;
  /** Name of a hidden character that stands here; empty: plain text. */
  mark: boolean;
}

/** The text in pieces: plain ones, and names of hidden characters. */
export function pieces(text: string): Piece[] {
  if (!HIDDEN.test(text)) return [{ text, mark: false }];
  const found: Piece[] = [];
  let plain = "";
  for (const character of text) {
    if (!HIDDEN.test(character)) {
      plain += character;
      continue;
    }
    if (plain) found.push({ text: plain, mark: false });
    plain = "";
    found.push({ text: markOf(character), mark: true });
  }
  if (plain) found.push({ text: plain, mark: false });
  return found;
}

function markOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return NAMES[code] ?? `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}
/** The same as one text, for attributes such as titles. */
export const visible = (text: string) =>
  pieces(text)
    .map((piece) => (piece.mark ? `⟨${piece.text}⟩` : piece.text))
    .join("");
