// The rows of the job list: pages from the server, kept up by what happens.
import { signal } from "@preact/signals";
import type { Job } from "../../gen/spiderq/v1/job_pb.ts";
import type { WatchJobsResponse } from "../../gen/spiderq/v1/job_service_pb.ts";
import { jobs } from "../api/client.ts";
import { type Problem, problemOf } from "../api/problem.ts";
import { clockSkew, ms, serverNow } from "../format/time.ts";
import { listening } from "../live/live.ts";
import { isScan, matches, scanMatches, serverFilter } from "../search/filter.ts";
import type { Query } from "../search/parse.ts";

const PAGE = 200;
const SCAN_PAGE = 1_000;
/** A scan pauses after so many jobs, and asks whether to go on. */
export const SCAN_STEP = 20_000;
/** Rows that the page holds at most. */
const MOST_ROWS = 100_000;

export class JobList {
  readonly rows = signal<Job[]>([]);
  /** All that the server's filter matches; -1: not known yet. */
  readonly total = signal(-1);
  readonly looked = signal(0);
  readonly loading = signal(false);
  readonly done = signal(false);
  readonly stopped = signal(false);
  readonly problem = signal<Problem | null>(null);
  readonly fresh = signal(0);
  private token = "";
  private place = new Map<string, Job>();
  private abort = new AbortController();
  private readonly now = serverNow();
  private readonly scan: boolean;

  constructor(
    readonly project: number,
    readonly query: Query,
  ) {
    this.scan = isScan(query);
  }
  close() {
    this.abort.abort();
  }

  /** Loads the next page; a scan goes on until it has found a page's worth or has looked at SCAN_STEP jobs. */
  async more(): Promise<void> {
    if (this.loading.peek() || this.done.peek()) return;
    this.loading.value = true;
    this.stopped.value = false;
    const until = this.looked.peek() + SCAN_STEP;
    let found = 0;
    try {
      await listening();
      do {
        found += await this.page();
      } while (
        this.scan &&
        !this.done.peek() &&
        found < PAGE &&
        this.looked.peek() < until &&
        !this.abort.signal.aborted
      );
      this.stopped.value = this.scan && !this.done.peek() && found < PAGE;
      this.problem.value = null;
    } catch (error) {
      if (!this.abort.signal.aborted) this.problem.value = problemOf(error);
    }
    this.loading.value = false;
  }

  private async page(): Promise<number> {
    const first = !this.token;
    const answer = await jobs.listJobs(
      {
        project: BigInt(this.project),
        filter: serverFilter(this.query, this.now),
        pageToken: this.token,
        pageSize: this.scan ? SCAN_PAGE : PAGE,
        withTotalSize: first,
        metadataFields: ["runner"],
      },
      { signal: this.abort.signal },
    );
    if (answer.readTime) clockSkew.value = ms(answer.readTime) - Date.now();
    if (first) this.total.value = Number(answer.totalSize);
    this.looked.value += answer.jobs.length;
    const found = (
      this.scan ? answer.jobs.filter((job) => scanMatches(this.query, job)) : answer.jobs
    ).filter((job) => !this.place.has(job.key));
    for (const job of found) this.place.set(job.key, job);
    this.rows.value = [...this.rows.peek(), ...found];
    this.token = answer.nextPageToken;
    this.done.value = !this.token || this.rows.peek().length >= MOST_ROWS;
    return found.length;
  }

  /** Takes in what happened. New entries come first, as the list has the latest first. */
  apply(events: WatchJobsResponse[]) {
    const changed = new Map<string, { job: Job; moved: boolean }>();
    for (const { job, event } of events) {
      if (!job) continue;
      const before = changed.get(job.key);
      if (event.case === "progress") {
        // It has no more of the job than its key.
        const known = before?.job ?? this.place.get(job.key);
        if (known)
          changed.set(job.key, { job: counted(known, event.value.counters), moved: Boolean(before?.moved) });
        continue;
      }
      changed.set(job.key, {
        job: withKnown(job, this.place.get(job.key)),
        moved: Boolean(before?.moved) || event.case !== "stopRequested",
      });
    }
    if (!changed.size) return;
    let rows = this.rows.peek();
    let difference = 0;
    const gone = new Set<string>();
    const top: Job[] = [];
    for (const [key, { job, moved }] of changed) {
      const known = this.place.get(key);
      const belongs = job.spiderName !== "" && matches(this.query, job, serverNow());
      if (known && !moved && belongs) {
        rows = rows === this.rows.peek() ? [...rows] : rows;
        const at = rows.indexOf(known);
        if (at >= 0) rows[at] = job;
        this.place.set(key, job);
        continue;
      }
      if (known) gone.add(key);
      if (belongs) top.push(job);
      if (Boolean(known) !== belongs) difference += belongs ? 1 : -1;
      if (belongs) this.place.set(key, job);
      else this.place.delete(key);
    }
    if (gone.size) rows = rows.filter((job) => !gone.has(job.key));
    top.sort((a, b) => Number(b.position - a.position));
    this.rows.value = [...top, ...rows];
    if (this.total.peek() >= 0) this.total.value = Math.max(0, this.total.peek() + difference);
    this.fresh.value += top.length;
  }
  find = (key: string) => this.place.get(key);
  replace(job: Job) {
    const known = this.place.get(job.key);
    if (!known) return;
    this.place.set(job.key, job);
    this.rows.value = this.rows.peek().map((row) => (row === known ? job : row));
  }
}

/** A row with newer counters. */
export const counted = (job: Job, counters: Job["counters"]): Job => ({ ...job, counters }) as Job;
/** Events bring no metadata: what a row showed of them stays. */
const withKnown = (job: Job, known: Job | undefined): Job =>
  known && !job.metadataJson.runner ? ({ ...job, metadataJson: known.metadataJson } as Job) : job;
