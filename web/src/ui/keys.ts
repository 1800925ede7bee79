// The keyboard: which keys do what on the screen that is shown. `?` lists them, and the palette runs them.
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

export interface Key {
  /** `j`, `g p` (one after the other), `Enter`. */
  keys: string;
  what: string;
  act: () => void;
  group?: string;
}
export const bound = signal<Key[]>([]);
/** The second key of two must follow within, ms. */
const SEQUENCE = 1_200;
let first = "";
let since = 0;

/** Binds keys while the component is shown. Later ones win. */
export function useKeys(keys: Key[]) {
  const latest = useRef(keys);
  latest.current = keys;
  const names = keys.map((key) => key.keys).join(",");
  useEffect(() => {
    const mine = keys.map((key, at) => ({ ...key, act: () => latest.current[at]?.act() }));
    bound.value = [...bound.peek(), ...mine];
    return () => void (bound.value = bound.peek().filter((key) => !mine.includes(key)));
  }, [names]);
}

const writes = (target: EventTarget | null) =>
  target instanceof HTMLElement &&
  (target.isContentEditable ||
    /^(TEXTAREA|SELECT)$/.test(target.tagName) ||
    (target instanceof HTMLInputElement && !/^(checkbox|radio|button)$/.test(target.type)));

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.isComposing) return;
  if (writes(event.target)) {
    if (event.key === "Escape") (event.target as HTMLElement).blur();
    return;
  }
  if (document.querySelector("dialog[open]")) return;
  const onControl = event.target instanceof Element && event.target.closest("a, button, input, summary");
  if ((event.key === "Enter" || event.key === " ") && onControl) return;
  const pair = Date.now() - since < SEQUENCE ? `${first} ${event.key}` : "";
  const find = (name: string) => bound.peek().findLast((key) => key.keys === name);
  const key = (pair && find(pair)) || find(event.key);
  first = event.key;
  since = Date.now();
  if (!key) return;
  first = "";
  event.preventDefault();
  key.act();
});
