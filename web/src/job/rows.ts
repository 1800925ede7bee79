// Rows of items and requests, read in pages from the begin.
import { signal } from "@preact/signals";
import type { OutputKind } from "../../gen/spiderq/v1/job_output_service_pb.ts";
import { output } from "../api/client.ts";
import { type Problem, problemOf } from "../api/problem.ts";

export interface OutputRow {
  at: number;
  text: string;
  value: Record<string, unknown> | null;
}
const PAGE = 100;

export class OutputRows {
  readonly rows = signal<OutputRow[]>([]);
  readonly loading = signal(false);
  readonly done = signal(false);
  readonly problem = signal<Problem | null>(null);
  private stop = new AbortController();
  constructor(
    readonly key: string,
    readonly kind: OutputKind,
    readonly contains = "",
  ) {}
  close() {
    this.stop.abort();
  }
  async more(pages = 1) {
    if (this.loading.peek() || this.stop.signal.aborted) return;
    this.loading.value = true;
    const got: OutputRow[] = [];
    const decoder = new TextDecoder();
    const from = BigInt((this.rows.peek().at(-1)?.at ?? -1) + 1);
    try {
      for await (const answer of output.readOutput(
        {
          key: this.key,
          kind: this.kind,
          startOffset: from,
          limit: BigInt(PAGE * pages),
          contains: this.contains,
        },
        { signal: this.stop.signal },
      ))
        answer.lines.forEach((line, at) => got.push(row(Number(answer.offsets[at]), decoder.decode(line))));
      this.problem.value = null;
    } catch (error) {
      if (!this.stop.signal.aborted) this.problem.value = problemOf(error);
    }
    this.rows.value = [...this.rows.peek(), ...got];
    this.done.value = got.length < PAGE * pages;
    this.loading.value = false;
  }
}
function row(at: number, text: string): OutputRow {
  let value: unknown = null;
  try {
    value = JSON.parse(text);
  } catch {
    // Shown as it is.
  }
  return {
    at,
    text,
    value:
      value && typeof value === "object" && !Array.isArray(value) ? (value as Record<string, unknown>) : null,
  };
}
export const cellText = (value: unknown): string =>
  value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value);
/** An item's own field: a name such as `constructor` is one like any other. */
export const fieldOf = (row: OutputRow, field: string): unknown =>
  row.value && Object.hasOwn(row.value, field) ? row.value[field] : undefined;
export const isEmpty = (value: unknown) =>
  value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);
