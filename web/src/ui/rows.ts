// The row that the keys j and k move.
import { useState } from "preact/hooks";
import type { Key } from "./keys.ts";

export function useRows(
  count: number,
  onMove?: (row: number) => void,
): { at: number; set: (row: number) => void; keys: Key[] } {
  const [row, setRow] = useState(-1);
  const at = Math.min(row, count - 1);
  const set = (next: number) => {
    const bounded = Math.max(0, Math.min(next, count - 1));
    setRow(bounded);
    onMove?.(bounded);
    if (!onMove)
      requestAnimationFrame(() => document.querySelector("tr.at")?.scrollIntoView({ block: "nearest" }));
  };
  return {
    at,
    set,
    keys: [
      { keys: "j", what: "Next row", act: () => set(at + 1) },
      { keys: "k", what: "Row before", act: () => set(at - 1) },
    ],
  };
}
