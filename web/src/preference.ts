// What a person chose for the page: kept in the browser, never a secret.
import { effect, type Signal, signal } from "@preact/signals";

/** A signal whose value is kept under `name`; values that are not in `allowed` are not taken. */
export function preference<T>(name: string, initial: T, allowed?: readonly T[]): Signal<T> {
  let value = initial;
  try {
    const kept = localStorage.getItem(`spiderq.${name}`);
    const parsed = kept === null ? initial : (JSON.parse(kept) as T);
    if (!allowed || allowed.includes(parsed)) value = parsed;
  } catch {
    // No storage, or not ours: the default.
  }
  const kept = signal(value);
  effect(() => {
    try {
      localStorage.setItem(`spiderq.${name}`, JSON.stringify(kept.value));
    } catch {
      // It is then for this visit only.
    }
  });
  return kept;
}
