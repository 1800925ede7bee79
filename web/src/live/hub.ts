// Shares feeds among tabs: one WatchJobs call for each project that any tab looks at.
import { feed } from "./feed.ts";
import type { FromWorker, ToWorker } from "./protocol.ts";

/** A tab. */
export interface Listener {
  postMessage(message: FromWorker): void;
}
interface Shared {
  listeners: Set<Listener>;
  stop: AbortController;
  state: FromWorker | null;
}
/** A feed that no tab wants lives so long on: the next screen may want it. ms */
const LINGER = 3_000;

const feeds = new Map<number, Shared>();

export function handle(listener: Listener, message: ToWorker) {
  if (message.say === "watch") watch(listener, message.project, message.url);
  else if (message.say === "unwatch") leave(listener, message.project);
  else for (const project of feeds.keys()) leave(listener, project);
}

function watch(listener: Listener, project: number, url: string) {
  const running = feeds.get(project);
  if (running) {
    running.listeners.add(listener);
    if (running.state) listener.postMessage(running.state);
    return;
  }
  const shared: Shared = { listeners: new Set([listener]), stop: new AbortController(), state: null };
  feeds.set(project, shared);
  void feed(project, url, shared.stop.signal, (message) => {
    if (message.say === "state") shared.state = message;
    for (const each of shared.listeners) each.postMessage(message);
  }).finally(() => {
    if (feeds.get(project) === shared) feeds.delete(project);
  });
}

function leave(listener: Listener, project: number) {
  const shared = feeds.get(project);
  if (!shared?.listeners.delete(listener) || shared.listeners.size) return;
  setTimeout(() => {
    if (shared.listeners.size) return;
    shared.stop.abort();
    if (feeds.get(project) === shared) feeds.delete(project);
  }, LINGER);
}
