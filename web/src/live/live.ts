// The live feed as screens use it: what happened to the jobs of the project that the address names.
import { effect, signal } from "@preact/signals";
import { fromBinary } from "@bufbuild/protobuf";
import { type WatchJobsResponse, WatchJobsResponseSchema } from "../../gen/spiderq/v1/job_service_pb.ts";
import { session } from "../api/session.ts";
import { base, workerUrl } from "../base.ts";
import { project } from "../router.ts";
import { handle, type Listener } from "./hub.ts";
import type { FeedState, FromWorker, ToWorker } from "./protocol.ts";

/** A hidden tab stops listening after so long, ms. */
const HIDDEN_FOR = 30_000;
/** What a screen reads waits so long for the feed to begin; what was read without it is read again then. ms */
const WAIT_FOR_FEED = 500;
export const feedState = signal<FeedState | "off" | "paused">("off");
export const retryAt = signal(0);
/** Whether the reader has stopped the feed. */
export const paused = signal(false);
/** Grows when events were lost, and what is shown must be listed again. */
export const resets = signal(0);
const hidden = signal(false);

type OnEvents = (events: WatchJobsResponse[]) => void;
const subscribers = new Set<OnEvents>();
/** Calls `on` with what happens, until the answered function is called. */
export function subscribe(on: OnEvents) {
  subscribers.add(on);
  return () => void subscribers.delete(on);
}

const listener: Listener = { postMessage: (message) => setTimeout(() => receive(message)) };
const send = connect();
function connect(): (message: ToWorker) => void {
  if (typeof SharedWorker === "function" && workerUrl) {
    try {
      const worker = new SharedWorker(workerUrl, { type: "module", name: "spiderq" });
      let failed = false;
      worker.onerror = () => {
        failed = true;
        watchAgain();
      };
      worker.port.onmessage = (event: MessageEvent<FromWorker>) => receive(event.data);
      addEventListener("pagehide", () => worker.port.postMessage({ say: "bye" }));
      return (message) => (failed ? handle(listener, message) : worker.port.postMessage(message));
    } catch {
      // Not allowed here: the tab watches itself.
    }
  }
  return (message) => handle(listener, message);
}

let watched = 0;
let left = false;
let readBeforeFeed = false;

/** Resolves when what is read from then on misses nothing: each later change is told, or all is read again. */
export async function listening(): Promise<void> {
  if (feedState.peek() !== "connecting") return;
  await new Promise<void>((done) => {
    const late = setTimeout(() => {
      readBeforeFeed = true;
      done();
    }, WAIT_FOR_FEED);
    const stop = feedState.subscribe((state) => {
      if (state === "connecting") return;
      clearTimeout(late);
      done();
      queueMicrotask(() => stop());
    });
  });
}

function watchAgain() {
  if (watched) send({ say: "watch", project: watched, url: location.origin + base });
}
function receive(message: FromWorker) {
  if (message.project !== watched) return;
  if (message.say === "reset") resets.value++;
  else if (message.say === "state") {
    feedState.value = message.state;
    retryAt.value = message.retryAt;
    if (message.state === "live" && readBeforeFeed) {
      readBeforeFeed = false;
      resets.value++;
    }
  } else {
    const events = message.events.map((bytes) => fromBinary(WatchJobsResponseSchema, bytes));
    for (const subscriber of subscribers) subscriber(events);
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

/** Keeps the feed on the project that is shown. */
export function start() {
  effect(() => {
    const wanted = session.value && !paused.value && !hidden.value ? project.value : 0;
    if (wanted === watched) return;
    if (watched) send({ say: "unwatch", project: watched });
    watched = wanted;
    feedState.value = wanted ? "connecting" : paused.value ? "paused" : "off";
    watchAgain();
    // What happened while nobody listened is not told any more.
    if (wanted && left) resets.value++;
    left = !wanted && project.peek() !== 0;
  });
}
