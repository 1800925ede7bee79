// What a tab and the shared worker say to each other.
export type ToWorker =
  { say: "watch"; project: number; url: string } | { say: "unwatch"; project: number } | { say: "bye" };
export type FeedState = "connecting" | "live" | "reconnecting" | "denied";
export type FromWorker =
  | { say: "state"; project: number; state: FeedState; retryAt: number }
  /** Events as the bytes of WatchJobsResponse, in order. */
  | { say: "events"; project: number; events: Uint8Array[] }
  /** Events were lost: list again. */
  | { say: "reset"; project: number };
