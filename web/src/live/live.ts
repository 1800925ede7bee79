// The live feed as screens use it: what happened to the jobs of the project that the address names, or of all.
import { effect, signal } from "@preact/signals";
import { fromBinary } from "@bufbuild/protobuf";
import { type WatchJobsResponse, WatchJobsResponseSchema } from "../../gen/spiderq/v1/job_service_pb.ts";
import { session } from "../api/session.ts";
import { base, workerUrl } from "../base.ts";
import { project, route } from "../router.ts";
import { hub, type Listener } from "./hub.ts";
import type { FeedState, FromWorker, ToWorker } from "./protocol.ts";

/** A hidden tab stops listening after so long, ms. */
const HIDDEN_FOR = 30_000;
export const feedState = signal<FeedState | "paused">("off");
export const retryAt = signal(0);
/** Whether the reader has stopped the feed. */
export const paused = signal(false);
const hidden = signal(false);

interface Subscriber {
  on: (events: WatchJobsResponse[]) => void;
  again: () => void;
}
const subscribers = new Set<Subscriber>();
/**
 * Calls `on` with what happens, until the answered function is called; `again` where events may have been missed, so
 * that what was listed is to be listed anew.
 */
export function subscribe(on: Subscriber["on"], again: Subscriber["again"]) {
  const subscriber = { on, again };
  subscribers.add(subscriber);
  return () => void subscribers.delete(subscriber);
}
const again = () => subscribers.forEach((subscriber) => subscriber.again());

const listener: Listener = { postMessage: (message) => setTimeout(() => receive(message)) };
const send = connect();
function connect(): (message: ToWorker) => void {
  // Where there is no shared worker, the tab watches itself.
  const own = hub();
  if (typeof SharedWorker === "function" && workerUrl) {
    try {
      const worker = new SharedWorker(workerUrl, { type: "module", name: "spiderq" });
      let failed = false;
      worker.onerror = () => {
        failed = true;
        watchAgain();
      };
      worker.port.onmessage = (event: MessageEvent<FromWorker>) => receive(event.data);
      addEventListener("pagehide", () => worker.port.postMessage({ say: "unwatch", now: false }));
      return (message) => (failed ? own(listener, message) : worker.port.postMessage(message));
    } catch {
      // Not allowed here.
    }
  }
  return (message) => own(listener, message);
}

/** What is watched: a project, 0 for all, or nothing. */
let watched = -1;
let left = -1;
function watchAgain() {
  if (watched >= 0) send({ say: "watch", project: watched, url: location.origin + base });
}
function receive(message: FromWorker) {
  if (message.project !== watched) return;
  if (message.say === "again") again();
  else if (message.say === "state") {
    feedState.value = message.state;
    retryAt.value = message.retryAt;
  } else {
    const events = message.events.map((bytes) => fromBinary(WatchJobsResponseSchema, bytes));
    for (const { on } of subscribers) on(events);
  }
}

let hiding = 0;
document.addEventListener("visibilitychange", () => {
  clearTimeout(hiding);
  if (document.hidden) hiding = window.setTimeout(() => (hidden.value = true), HIDDEN_FOR);
  else hidden.value = false;
});
addEventListener("pageshow", (event) => {
  if (event.persisted) watchAgain();
});

/** Keeps the feed on what is shown. */
export function start() {
  effect(() => {
    const shown = project.value || (route.value.name === "projects" ? 0 : -1);
    const wanted = session.value && !paused.value && !hidden.value ? shown : -1;
    if (wanted === watched) return;
    if (wanted < 0) send({ say: "unwatch", now: !session.peek() });
    if (wanted < 0) feedState.value = paused.value ? "paused" : "off";
    else if (watched < 0) feedState.value = "connecting";
    watched = wanted;
    watchAgain();
    // What happened while nobody listened is not told any more.
    if (wanted >= 0 && left === shown) queueMicrotask(again);
    left = wanted < 0 ? shown : -1;
  });
}
