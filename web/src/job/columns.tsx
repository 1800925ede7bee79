// Columns of job tables.
import type { ComponentChildren } from "preact";
import { type Job, JobState } from "../../gen/spiderq/v1/job_pb.ts";
import { count, short } from "../format/number.ts";
import { duration, ms, now } from "../format/time.ts";
import { href } from "../router.ts";
import { narrow } from "../ui/narrow.ts";
import { StatusBadge } from "../ui/status.tsx";
import { Text, When } from "../ui/text.tsx";
import { isSecretName, jobPath, runnerOf, runtimeOf, shortKey, waitOf } from "./facts.ts";

export interface Column {
  id: string;
  name: string;
  class?: string;
  cell: (job: Job) => ComponentChildren;
}
const number = (value: bigint | undefined, bad = false) => (
  <span class={value === undefined ? "dim" : bad && value > 0n ? "bad-text" : value === 0n ? "zero" : ""}>
    {count(value)}
  </span>
);
const live = (job: Job) => (job.state === JobState.RUNNING ? now.value : now.peek());

export const COLUMNS: Column[] = [
  { id: "status", name: "Status", cell: (job) => <StatusBadge job={job} /> },
  {
    id: "key",
    name: "Job",
    class: "mono",
    cell: (job) => (
      <a href={href(jobPath(job.key))} title={job.key}>
        {shortKey(job.key)}
      </a>
    ),
  },
  {
    id: "spider",
    name: "Spider",
    cell: (job) => (
      <a class="plain" href={href(`/p/${job.project}/${job.spiderId}`)}>
        <Text of={job.spiderName} max={80} />
      </a>
    ),
  },
  {
    id: "args",
    name: "Arguments",
    class: "wide",
    cell: (job) => <Args args={job.spiderArgs} />,
  },
  { id: "tags", name: "Tags", class: "wide", cell: (job) => <Tags tags={job.tags} /> },
  { id: "items", name: "Items", class: "num", cell: (job) => number(job.counters?.items) },
  { id: "pages", name: "Pages", class: "num mid", cell: (job) => number(job.counters?.pages) },
  {
    id: "errors",
    name: "Errors",
    class: "num mid",
    cell: (job) => number(job.counters?.errors, true),
  },
  {
    id: "logs",
    name: "Log lines",
    class: "num mid",
    cell: (job) => number(job.counters?.logs),
  },
  { id: "priority", name: "Priority", class: "num mid", cell: (job) => job.priority },
  { id: "units", name: "Units", class: "num mid", cell: (job) => job.units },
  {
    id: "runner",
    name: "Runner",
    class: "mid",
    cell: (job) => <Text of={runnerOf(job) || "–"} max={40} />,
  },
  {
    id: "by",
    name: "Scheduled by",
    class: "mid",
    cell: (job) => <Text of={job.scheduledBy || "–"} max={40} />,
  },
  {
    id: "version",
    name: "Version",
    class: "mid",
    cell: (job) => <Text of={job.version || "–"} max={20} />,
  },
  {
    id: "wait",
    name: "Wait",
    class: "num mid",
    cell: (job) =>
      job.pendingTime ? duration(waitOf(job, job.state === JobState.PENDING ? now.value : 0)) : "–",
  },
  {
    id: "runtime",
    name: "Run time",
    class: "num",
    cell: (job) => (job.runningTime ? duration(runtimeOf(job, live(job))) : "–"),
  },
  {
    id: "time",
    name: "Since",
    class: "num mid",
    cell: (job) => <When at={ms(job.stateTime)} />,
  },
];
export const DEFAULT_COLUMNS = [
  "status",
  "key",
  "spider",
  "args",
  "tags",
  "items",
  "pages",
  "errors",
  "runtime",
  "time",
];
/** In a narrow window one that has the most of them in two lines. */
const CARD: Column = { id: "card", name: "Job", cell: (job) => <JobCard job={job} /> };
export const columnsOf = (ids: string[]) =>
  narrow.value ? [CARD] : COLUMNS.filter((column) => ids.includes(column.id));

function JobCard({ job }: { job: Job }) {
  const { items, pages, errors } = job.counters ?? {};
  const ran = job.state === JobState.PENDING ? waitOf(job, now.value) : runtimeOf(job, live(job));
  return (
    <div class="job-card">
      <p>
        <StatusBadge job={job} />
        <a class="plain" href={href(jobPath(job.key))}>
          <Text of={job.spiderName} max={80} />
        </a>
        <When at={ms(job.stateTime)} />
      </p>
      <p>
        <span class="mono">{shortKey(job.key)}</span>
        {items !== undefined && <span>{short(Number(items))} items</span>}
        {pages !== undefined && <span>{short(Number(pages))} pages</span>}
        {Boolean(errors) && <b class="bad-text">{short(Number(errors))} errors</b>}
        <span class="push" />
        {ran > 0 && <span>{duration(ran)}</span>}
      </p>
    </div>
  );
}

export function Args({ args }: { args: Record<string, string> }) {
  const all = Object.entries(args);
  return (
    <span class="chips">
      {all.slice(0, 6).map(([name, value]) => (
        <span class="chip mono">
          <Text of={name} max={40} />=<Text of={isSecretName(name) ? "••••" : value} max={60} />
        </span>
      ))}
      {all.length > 6 && <span class="dim">+{all.length - 6}</span>}
    </span>
  );
}
export function Tags({ tags }: { tags: string[] }) {
  return (
    <span class="chips">
      {tags.slice(0, 6).map((tag) => (
        <span class="chip tag">
          <Text of={tag} max={40} />
        </span>
      ))}
      {tags.length > 6 && <span class="dim">+{tags.length - 6}</span>}
    </span>
  );
}

/** A short table of jobs: as a dashboard shows them. */
export function JobTable({
  jobs,
  columns,
  caption,
  at = -1,
  first = 0,
}: {
  jobs: Job[];
  columns: string[];
  caption: string;
  at?: number;
  first?: number;
}) {
  const shown = columnsOf(columns);
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={caption}>
      <table class={`rows fixed ${narrow.value ? "cards" : "calm"}`}>
        <caption class="hidden">{caption}</caption>
        <thead class={narrow.value ? "hidden" : ""}>
          <tr>
            {shown.map((column) => (
              <th scope="col" class={`${column.class ?? ""} w-${column.id}`}>
                {column.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {jobs.map((job, index) => (
            <tr key={job.key} class={index + first === at ? "at" : ""}>
              {shown.map((column) => (
                <td class={column.class}>{column.cell(job)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
