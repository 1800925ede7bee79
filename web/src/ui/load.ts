// Loading what a screen shows: again when what it depends on changes and when the server is back.
import { useEffect, useRef, useState } from "preact/hooks";
import { healed } from "../api/connection.ts";
import { type Problem, problemOf } from "../api/problem.ts";

export interface Loaded<T> {
  /** The last value, kept while it is loaded again. */
  value: T | undefined;
  problem: Problem | undefined;
  loading: boolean;
  reload: () => void;
  set: (change: (value: T) => T) => void;
}

/** Loads by `load` whenever one of `needs` changes. The call's signal is aborted when its answer is not wanted any more. */
export function useLoad<T>(
  load: (signal: AbortSignal) => Promise<T>,
  needs: unknown[],
  keep = false,
): Loaded<T> {
  const [state, setState] = useState<{ value?: T; problem?: Problem; loading: boolean }>({ loading: true });
  const [again, setAgain] = useState(0);
  const last = useRef<string | undefined>(undefined);
  const name = needs.join("\u0000");
  useEffect(() => {
    const stop = new AbortController();
    const same = last.current === name || keep;
    last.current = name;
    setState((before) => ({ value: same ? before.value : undefined, loading: true }));
    load(stop.signal).then(
      (value) => {
        if (!stop.signal.aborted) setState({ value, loading: false });
      },
      (error: unknown) => {
        if (!stop.signal.aborted)
          setState((before) => ({ value: before.value, problem: problemOf(error), loading: false }));
      },
    );
    return () => stop.abort();
  }, [name, again, healed.value]);
  return {
    value: state.value,
    problem: state.problem,
    loading: state.loading,
    reload: () => setAgain((count) => count + 1),
    set: (change) =>
      setState((before) =>
        before.value === undefined ? before : { ...before, value: change(before.value) },
      ),
  };
}

/** Calls `tick` each `every` ms while the tab is seen. */
export function useInterval(tick: () => void, every: number) {
  const latest = useRef(tick);
  latest.current = tick;
  useEffect(() => {
    if (!every) return;
    const timer = setInterval(() => {
      if (!document.hidden) latest.current();
    }, every);
    return () => clearInterval(timer);
  }, [every]);
}
