// The rows of the job list that are in view: a table, or cards where the window is narrow.
import { useMemo, useRef } from "preact/hooks";
import { JobState } from "../../gen/spiderq/v1/job_pb.ts";
import type { Job } from "../../gen/spiderq/v1/job_pb.ts";
import { type Column, columnsOf } from "../job/columns.tsx";
import { jobPath } from "../job/facts.ts";
import { now } from "../format/time.ts";
import { go } from "../router.ts";
import { narrow } from "../ui/narrow.ts";
import type { View } from "../ui/window.ts";

export function JobRows({
  project,
  rows,
  total,
  columns,
  dense,
  view,
  at,
  onAt,
  select,
}: {
  project: number;
  rows: Job[];
  total: number;
  columns: string[];
  dense: boolean;
  view: View;
  /** The row under the keys. */
  at: number;
  onAt: (row: number) => void;
  /** Undefined where nothing may be changed. */
  select?: {
    has: (key: string) => boolean;
    all: boolean;
    onAll: (on: boolean) => void;
    onRow: (row: number, range: boolean, on: boolean) => void;
  };
}) {
  const shown = useMemo(() => columnsOf(columns), [columns, narrow.value]);
  const acts = useRef<Acts>({ onAt });
  acts.current = { onAt, onRow: select?.onRow };
  const space = (height: number) =>
    height > 0 && (
      <tr class="space" aria-hidden="true">
        <td
          colSpan={shown.length + 1}
          ref={(cell) => {
            if (cell) cell.style.height = `${height}px`;
          }}
        />
      </tr>
    );
  return (
    <div class={`window ${rows.length ? "" : "gone"}`} ref={view.box} tabIndex={0} role="region" aria-label="Jobs">
      <table
        class={`rows fixed ${narrow.value ? "cards" : dense ? "dense" : ""}`}
        aria-rowcount={total >= 0 ? total + 1 : -1}
      >
        <caption class="hidden">Jobs of project {project}, latest first</caption>
        <thead>
          <tr aria-rowindex={1}>
            {select && (
              <th scope="col" class="pick">
                <input
                  type="checkbox"
                  aria-label="Select all loaded rows"
                  checked={select.all}
                  onChange={(event) => select.onAll(event.currentTarget.checked)}
                />
              </th>
            )}
            {shown.map((column) => (
              <th
                scope="col"
                class={`${column.class ?? ""} w-${column.id}`}
                aria-sort={column.id === "time" ? "descending" : undefined}
              >
                {column.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {space(view.above)}
          {rows.slice(view.first, view.last).map((job, index) => (
            <JobRow
              key={job.key}
              job={job}
              row={view.first + index}
              at={view.first + index === at}
              chosen={select && select.has(job.key)}
              shown={shown}
              acts={acts}
            />
          ))}
          {space(view.below)}
        </tbody>
      </table>
    </div>
  );
}

interface Acts {
  onAt: (row: number) => void;
  onRow?: ((row: number, range: boolean, on: boolean) => void) | undefined;
}
/** A row is made anew only when something of it has changed: most stay as they are while the list moves. */
function JobRow({
  job,
  row,
  at,
  chosen,
  shown,
  acts,
}: {
  job: Job;
  row: number;
  at: boolean;
  /** Undefined where nothing may be chosen. */
  chosen: boolean | undefined;
  shown: Column[];
  acts: { current: Acts };
}) {
  // Times of these go on; those of others stand.
  const second = job.state === JobState.PENDING || job.state === JobState.RUNNING ? now.value : 0;
  return useMemo(
    () => (
      <tr
        aria-rowindex={row + 2}
        class={`${at ? "at" : ""} ${chosen ? "chosen" : ""} ${job.state === JobState.DELETED ? "faded" : ""}`}
        onClick={(event) => {
          if (!(event.target as Element).closest("a,input,button")) acts.current.onAt(row);
        }}
        onDblClick={() => go(jobPath(job.key))}
      >
        {chosen !== undefined && (
          <td class="pick">
            <input
              type="checkbox"
              aria-label={`Select ${job.key}`}
              checked={chosen}
              onClick={(event) => acts.current.onRow?.(row, event.shiftKey, event.currentTarget.checked)}
            />
          </td>
        )}
        {shown.map((column) => (
          <td class={column.class}>{column.cell(job)}</td>
        ))}
      </tr>
    ),
    [job, row, at, chosen, shown, second],
  );
}
