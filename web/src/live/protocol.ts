// What a tab and the shared worker say to each other.
export type ToWorker =
  /** The tab looks at a project; 0: at all of them. It replaces what the tab looked at before. */
  | { say: "watch"; project: number; url: string }
  /** `now`: whose feed it was has logged out. */
  | { say: "unwatch"; now: boolean };
export type FeedState = "connecting" | "live" | "reconnecting" | "denied" | "off";
export interface State {
  say: "state";
  state: FeedState;
  retryAt: number;
}
/** `project` is what the tab looked at when it was sent. */
export type FromWorker =
  | (State & { project: number })
  /** Events as the bytes of WatchJobsResponse, in order; with `project` 0 without progress. */
  | { say: "events"; project: number; events: Uint8Array[] }
  /** What was listed before may lack events: list again. */
  | { say: "again"; project: number };
