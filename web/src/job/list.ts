// The rows of the job list: pages from the server, kept up by what happens.
import { type Signal, signal } from "@preact/signals";
import { type Job, JobState } from "../../gen/spiderq/v1/job_pb.ts";
import type { WatchJobsResponse } from "../../gen/spiderq/v1/job_service_pb.ts";
import { jobs } from "../api/client.ts";
import { type Problem, problemOf } from "../api/problem.ts";
import { clockSkew, ms, serverNow, stamp } from "../format/time.ts";
import { hasCondition, isScan, matches, scanMatches, serverFilter } from "../search/filter.ts";
import type { Query } from "../search/parse.ts";
import type { All } from "./acts.ts";

/** Jobs of a call: so few that reading its answer holds no frame up. */
const PAGE = 200;
const SCAN_PAGE = 500;
/** A scan pauses after so many jobs, and asks whether to go on. */
export const SCAN_STEP = 20_000;
/** Rows that the page holds at most: about 1.4 KiB each. */
export const MOST_ROWS = 20_000;

export class JobList {
  readonly rows: Signal<Job[]>;
  /** All that the server's filter matches; -1: not known yet. */
  readonly total: Signal<number>;
  readonly looked = signal(0);
  readonly loading = signal(false);
  /** Whether its first page, or why there is none, is there. */
  readonly begun = signal(false);
  readonly done = signal(false);
  readonly stopped = signal(false);
  readonly problem = signal<Problem | null>(null);
  private token = "";
  private place: Map<string, Job>;
  /** What happened before the first page was there; null once it is. */
  private early: WatchJobsResponse[] | null = [];
  private abort = new AbortController();
  private readonly now = serverNow();
  /** When its first page was read, ms. */
  private readTime = this.now;
  private readonly scan: boolean;

  /** `before` is a list of the same search, whose rows are shown until those of this one are there. */
  constructor(
    readonly project: number,
    readonly query: Query,
    before?: JobList,
  ) {
    this.scan = isScan(query);
    this.rows = signal<Job[]>(before?.rows.peek() ?? []);
    this.total = signal(before?.total.peek() ?? -1);
    this.place = before?.place ?? new Map();
  }
  /**
   * All that it lists, loaded or not; null where only the page can tell. Jobs that come later are not among them, but
   * for an act that must reach those that went on meanwhile.
   */
  all(later: boolean): All | null {
    if (this.scan || this.total.peek() < 0) return null;
    const filter = serverFilter(this.query, this.now);
    // The service changes no jobs without a condition.
    if (!hasCondition(this.query)) filter.states = [JobState.PENDING, JobState.RUNNING, JobState.FINISHED];
    if (!later) filter.beforeStateTime ??= stamp(this.readTime + 1);
    return { project: this.project, filter, count: this.total.peek() };
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
    this.begun.value = true;
  }

  private async page(): Promise<number> {
    const first = this.early !== null;
    const which = { project: BigInt(this.project), filter: serverFilter(this.query, this.now) };
    const { signal } = this.abort;
    // Counted beside it: the rows need not wait for it, and a token is good for the same request only.
    if (first)
      void jobs.countJobs(which, { signal }).then(
        (answer) => (this.total.value = Number(answer.count)),
        () => undefined,
      );
    const answer = await jobs.listJobs(
      {
        ...which,
        pageToken: this.token,
        pageSize: this.scan ? SCAN_PAGE : PAGE,
        metadataFields: ["runner"],
      },
      { signal },
    );
    if (answer.readTime) clockSkew.value = ms(answer.readTime) - Date.now();
    if (first) {
      this.readTime = answer.readTime ? ms(answer.readTime) : this.now;
      this.place = new Map();
    }
    this.looked.value += answer.jobs.length;
    const found = (
      this.scan ? answer.jobs.filter((job) => scanMatches(this.query, job)) : answer.jobs
    ).filter((job) => !this.place.has(job.key));
    for (const job of found) this.place.set(job.key, job);
    this.rows.value = first ? found : [...this.rows.peek(), ...found];
    this.token = answer.nextPageToken;
    this.done.value = !this.token || this.rows.peek().length >= MOST_ROWS;
    const early = this.early ?? [];
    this.early = null;
    if (early.length) this.apply(early);
    return found.length;
  }

  /** Takes in what happened. */
  apply(events: WatchJobsResponse[]) {
    if (this.early) return void this.early.push(...events);
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
    let difference = 0;
    /** Rows that are replaced where they stand, and those that go. */
    const replaced = new Map<Job, Job | null>();
    const come: Job[] = [];
    for (const [key, { job, moved }] of changed) {
      const known = this.place.get(key);
      const belongs = job.spiderName !== "" && matches(this.query, job, serverNow());
      const stays = known && belongs && !moved;
      if (known) replaced.set(known, stays ? job : null);
      if (belongs && !stays) come.push(job);
      if (Boolean(known) !== belongs) difference += belongs ? 1 : -1;
      if (belongs) this.place.set(key, job);
      else this.place.delete(key);
    }
    const rows = this.rows.peek().flatMap((row) => {
      const now = replaced.get(row);
      return now === undefined ? row : (now ?? []);
    });
    // The list has the latest first, and so have those that come.
    come.sort((a, b) => Number(b.position - a.position));
    let at = 0;
    for (const job of come) {
      while (at < rows.length && rows[at]!.position > job.position) at++;
      rows.splice(at++, 0, job);
    }
    this.rows.value = rows;
    if (this.total.peek() >= 0) this.total.value = Math.max(0, this.total.peek() + difference);
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
