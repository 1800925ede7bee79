// Lines of an output by their offsets, read in pieces and kept while they are near.
import { signal } from "@preact/signals";
import { Code } from "@connectrpc/connect";
import { OutputKind } from "../../gen/spiderq/v1/job_output_service_pb.ts";
import { output } from "../api/client.ts";
import { isCode, type Problem, problemOf } from "../api/problem.ts";

export interface LogLine {
  at: number;
  time: number;
  level: number;
  message: string;
}
export interface LogFilter {
  level: number;
  text: string;
  regex: boolean;
}
/** Lines of a piece, and pieces that are kept. */
const PIECE = 500;
const KEPT = 60;
/** Lines that a filter finds in one go, and at most. */
const FOUND_STEP = 2_000;
const MOST_FOUND = 100_000;
const FOLLOW_PAUSE = 1_500;
const decoder = new TextDecoder();

export function logLine(at: number, bytes: Uint8Array): LogLine {
  const text = decoder.decode(bytes);
  try {
    const line = JSON.parse(text) as { time?: unknown; level?: unknown; message?: unknown };
    return {
      at,
      time: Number(line.time) || 0,
      level: Number(line.level) || 0,
      message: typeof line.message === "string" ? line.message : text,
    };
  } catch {
    return { at, time: 0, level: 0, message: text };
  }
}

/** A log of up to millions of lines. Without a filter any line can be asked for; with one, what matches is gathered. */
export class LogReader {
  readonly version = signal(0);
  readonly count = signal(0);
  readonly problem = signal<Problem | null>(null);
  readonly searching = signal(false);
  /** Whether a filter has more to find. */
  readonly more = signal(false);
  private pieces = new Map<number, LogLine[] | null>();
  private found: LogLine[] = [];
  private next = 0n;
  private stop = new AbortController();
  private following: AbortController | null = null;
  readonly filtered: boolean;

  constructor(
    readonly key: string,
    readonly filter: LogFilter,
  ) {
    this.filtered = Boolean(filter.level || filter.text);
  }
  close() {
    this.stop.abort();
    this.following?.abort();
  }
  private ask = () => ({
    key: this.key,
    kind: OutputKind.LOGS,
    minLevel: this.filter.level,
    ...(this.filter.text
      ? this.filter.regex
        ? { regex: this.filter.text }
        : { contains: this.filter.text }
      : {}),
  });

  /** How many lines the log has, as the statistics tell. */
  grow(lines: number) {
    if (!this.filtered && lines > this.count.peek()) this.count.value = lines;
  }
  /** The line in row `row`; undefined while it is read. */
  line(row: number): LogLine | undefined {
    if (this.filtered) return this.found[row];
    const piece = Math.floor(row / PIECE);
    const lines = this.pieces.get(piece);
    if (lines === undefined) void this.read(piece);
    return lines?.[row - piece * PIECE];
  }
  /** The row of the line with the offset; -1: it is not among those that were found. */
  rowOf = (offset: number) => (this.filtered ? this.found.findIndex((line) => line.at >= offset) : offset);

  private async read(piece: number) {
    this.pieces.set(piece, null);
    const lines: LogLine[] = [];
    try {
      for await (const answer of output.readOutput(
        { ...this.ask(), startOffset: BigInt(piece * PIECE), limit: BigInt(PIECE) },
        { signal: this.stop.signal },
      ))
        answer.lines.forEach((bytes, at) => lines.push(logLine(Number(answer.offsets[at]), bytes)));
      this.pieces.delete(piece);
      // A piece that the log has not filled yet is read again when it has grown.
      this.pieces.set(piece, lines);
      for (const old of [...this.pieces.keys()].slice(0, Math.max(0, this.pieces.size - KEPT)))
        this.pieces.delete(old);
      this.version.value++;
    } catch (error) {
      this.pieces.delete(piece);
      this.fail(error);
    }
  }

  /** Finds the next lines that match. */
  async search() {
    if (this.searching.peek() || !this.filtered) return;
    this.searching.value = true;
    let got = 0;
    const enough = new AbortController();
    this.stop.signal.addEventListener("abort", () => enough.abort());
    try {
      for await (const answer of output.readOutput(
        { ...this.ask(), startOffset: this.next, limit: BigInt(FOUND_STEP) },
        { signal: enough.signal },
      )) {
        got += answer.lines.length;
        this.take(answer);
      }
      this.problem.value = null;
    } catch (error) {
      this.fail(error);
    }
    this.more.value = got >= FOUND_STEP && this.found.length < MOST_FOUND;
    this.searching.value = false;
  }
  private take(answer: { lines: Uint8Array[]; offsets: bigint[]; nextOffset: bigint }) {
    answer.lines.forEach((bytes, at) => this.found.push(logLine(Number(answer.offsets[at]), bytes)));
    const last = answer.offsets.at(-1);
    // With a limit the answer's own end may lie behind lines that were not answered.
    this.next =
      last !== undefined ? last + 1n : answer.nextOffset > this.next ? answer.nextOffset : this.next;
    if (this.filtered) this.count.value = this.found.length;
    this.version.value++;
  }

  /** Reads on as lines are appended, until `close` or `unfollow`; goes on after an outage. */
  async follow() {
    if (this.following) return;
    const mine = (this.following = new AbortController());
    let from = this.filtered ? this.next : BigInt(this.count.peek());
    while (!mine.signal.aborted) {
      try {
        for await (const answer of output.readOutput(
          { ...this.ask(), startOffset: from, follow: true },
          { signal: mine.signal },
        )) {
          from = answer.nextOffset > from ? answer.nextOffset : from;
          if (this.filtered) this.take(answer);
          else this.append(answer);
        }
        break;
      } catch (error) {
        if (mine.signal.aborted || (!isCode(error, Code.Unavailable) && !isCode(error, Code.Unknown))) {
          if (!mine.signal.aborted) this.fail(error);
          break;
        }
        await new Promise((done) => setTimeout(done, FOLLOW_PAUSE));
      }
    }
    if (this.following === mine) this.following = null;
  }
  unfollow() {
    this.following?.abort();
    this.following = null;
  }
  private append(answer: { lines: Uint8Array[]; offsets: bigint[]; nextOffset: bigint }) {
    answer.lines.forEach((bytes, at) => {
      const offset = Number(answer.offsets[at]);
      const piece = Math.floor(offset / PIECE);
      const lines = this.pieces.get(piece);
      if (lines && lines.length === offset - piece * PIECE) lines.push(logLine(offset, bytes));
      else if (offset === piece * PIECE) this.pieces.set(piece, [logLine(offset, bytes)]);
      else if (lines) this.pieces.delete(piece);
    });
    this.count.value = Math.max(this.count.peek(), Number(answer.nextOffset));
    this.version.value++;
  }
  private fail(error: unknown) {
    if (!this.stop.signal.aborted) this.problem.value = problemOf(error);
  }
}
