// The row that the keys j and k move.
import { useRef, useState } from "preact/hooks";
import type { Key } from "./keys.ts";

/** With `rows` it stays on its row when others come above it. */
export function useRows(
  count: number,
  onMove?: (row: number) => void,
  rows?: { key: string }[],
): { at: number; set: (row: number) => void; keys: Key[] } {
  const [row, setRow] = useState(-1);
  const key = useRef<string | undefined>(undefined);
  let at = Math.min(row, count - 1);
  if (rows && key.current !== undefined && rows[at]?.key !== key.current) {
    const now = rows.findIndex((each) => each.key === key.current);
    if (now >= 0) at = now;
    else key.current = rows[at]?.key;
  }
  const set = (next: number) => {
    const bounded = Math.max(0, Math.min(next, count - 1));
    setRow(bounded);
    key.current = rows?.[bounded]?.key;
    onMove?.(bounded);
    if (!onMove)
      requestAnimationFrame(() => document.querySelector(".at")?.scrollIntoView({ block: "nearest" }));
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
