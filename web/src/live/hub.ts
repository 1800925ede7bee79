// Shares the feed among tabs: one WatchJobs call for all of them, of all projects. A key that reaches too many for
// one watch has a call for each project that a tab looks at.
import { JobService } from "../../gen/spiderq/v1/job_service_pb.ts";
import { clientOf } from "../api/transport.ts";
import { feed, type Feed, type FromFeed } from "./feed.ts";
import type { FromWorker, State, ToWorker } from "./protocol.ts";

/** A tab. */
export interface Listener {
  postMessage(message: FromWorker): void;
}
interface Running {
  stop: AbortController;
  state: State;
}
/** A feed that no tab wants lives so long on: the next screen may want it. ms */
const LINGER = 5_000;
const CONNECTING: State = { say: "state", state: "connecting", retryAt: 0 };
const OFF: State = { say: "state", state: "off", retryAt: 0 };

const call = (url: string): Feed["watch"] => {
  const client = clientOf(JobService, url);
  return (request, options) => client.watchJobs(request, options);
};

/** A hub whose feeds are run by `run`: what handles the messages of tabs. */
export function hub(run: typeof feed = feed, watchAt = call) {
  /** What each tab looks at. */
  const tabs = new Map<Listener, number>();
  /** By their project; 0: that of all. */
  const feeds = new Map<number, Running>();
  let apart = false;
  let at = "";

  const feedOf = (project: number) => (apart ? project : 0);
  const wanted = (key: number) => [...tabs.values()].some((project) => feedOf(project) === key);

  function need(project: number): State {
    const key = feedOf(project);
    if (apart && !key) return OFF;
    const known = feeds.get(key);
    if (known) return known.state;
    const running: Running = { stop: new AbortController(), state: CONNECTING };
    feeds.set(key, running);
    const send = (message: FromFeed) => {
      if (feeds.get(key) === running) told(key, running, message);
    };
    void run({ project: key, watch: watchAt(at), signal: running.stop.signal, send }).finally(() => {
      if (feeds.get(key) === running) feeds.delete(key);
    });
    return running.state;
  }

  function told(key: number, running: Running, message: FromFeed) {
    if (message.say === "state") running.state = message;
    if (message.say === "many") {
      apart = true;
      feeds.delete(key);
      for (const [tab, project] of tabs) tab.postMessage({ ...need(project), project });
      return;
    }
    for (const [tab, project] of tabs) {
      if (feedOf(project) !== key) continue;
      if (message.say === "state") tab.postMessage({ ...message, project });
      else if (message.say === "again") {
        if (!message.project || !project || message.project === project) tab.postMessage({ say: "again", project });
      } else {
        const events = message.events
          .filter((event) => (project ? event.project === project : !event.progress))
          .map((event) => event.bytes);
        if (events.length) tab.postMessage({ say: "events", project, events });
      }
    }
  }

  function drop() {
    for (const [key, running] of feeds) {
      if (wanted(key)) continue;
      feeds.delete(key);
      running.stop.abort();
    }
  }

  return (tab: Listener, message: ToWorker) => {
    if (message.say === "watch") {
      at = message.url;
      tabs.set(tab, message.project);
      tab.postMessage({ ...need(message.project), project: message.project });
      if (apart) setTimeout(drop, LINGER);
    } else {
      tabs.delete(tab);
      if (message.now) {
        apart = false;
        drop();
      } else setTimeout(drop, LINGER);
    }
  };
}
