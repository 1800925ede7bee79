// The job list: the address is the filter, the list is as long as the project, and many jobs can be changed at once.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { JobState } from "../../gen/spiderq/v1/job_pb.ts";
import { jobs as api, projects } from "../api/client.ts";
import { healed } from "../api/connection.ts";
import { mayChange, whyNot } from "../api/session.ts";
import { count, plural } from "../format/number.ts";
import { type Act, canStop } from "../job/acts.ts";
import { COLUMNS, columnsOf, DEFAULT_COLUMNS } from "../job/columns.tsx";
import { jobPath } from "../job/facts.ts";
import { JobList, SCAN_STEP } from "../job/list.ts";
import { resets, subscribe } from "../live/live.ts";
import { preference } from "../preference.ts";
import { go, href, place } from "../router.ts";
import { parse, quote, toggled, without } from "../search/parse.ts";
import { useLoad } from "../ui/load.ts";
import { Icon } from "../ui/icon.tsx";
import { useKeys } from "../ui/keys.ts";
import { Button, copy, Empty, Failure, Heading, Menu, Note, Waiting } from "../ui/parts.tsx";
import { useRows } from "../ui/rows.ts";
import { useWindow } from "../ui/window.ts";
import { Bulk, Doing } from "./bulk.tsx";
import { Search } from "./search.tsx";

const ROW = { calm: 40, dense: 30 };
const columns = preference<string[]>("columns", DEFAULT_COLUMNS);
const density = preference<"calm" | "dense">("density", "dense", ["calm", "dense"]);
const STATES = ["pending", "running", "finished", "deleted"] as const;

export function Jobs({ project }: { project: number }) {
  const text = new URLSearchParams(place.value.query).get("q") ?? "";
  const query = useMemo(() => parse(text), [text]);
  const list = useMemo(() => new JobList(project, query), [project, text, healed.value, resets.value]);
  const [chosen, setChosen] = useState<Set<string>>(new Set());
  const [doing, setDoing] = useState<Doing | null>(null);
  const anchor = useRef(-1);
  const rows = list.rows.value;
  const height = ROW[density.value];
  const view = useWindow(rows.length, height);
  const cursor = useRows(rows.length, (row) => view.scrollTo(row, "nearest"));
  const counts = useLoad(
    async (signal) => {
      const [sum, spiders] = await Promise.all([
        projects.summarizeProjects({ projects: [BigInt(project)] }, { signal }),
        projects.listSpiders({ project: BigInt(project) }, { signal }),
      ]);
      return { sum: sum.summaries[0], spiders: spiders.spiders.map((spider) => spider.name) };
    },
    [project],
  );

  useEffect(() => {
    void list.more();
    setChosen(new Set());
    const leave = subscribe((events) => list.apply(events));
    return () => {
      leave();
      list.close();
    };
  }, [list]);
  useEffect(() => {
    if (view.last >= rows.length - 30 && !list.stopped.value) void list.more();
  }, [view.last, rows.length, list, list.stopped.value]);

  const search = (next: string, replace = false) =>
    go(`/p/${project}/jobs${next ? `?q=${encodeURIComponent(next)}` : ""}`, replace);
  const select = (at: number, range: boolean, on?: boolean) => {
    const next = new Set(chosen);
    const job = rows[at];
    if (!job) return;
    const want = on ?? !next.has(job.key);
    const [from, to] =
      range && anchor.current >= 0 ? [Math.min(anchor.current, at), Math.max(anchor.current, at)] : [at, at];
    for (const { key } of rows.slice(from, to + 1)) {
      if (want) next.add(key);
      else next.delete(key);
    }
    anchor.current = at;
    setChosen(next);
  };
  const targets = () => (chosen.size ? [...chosen] : rows[cursor.at] ? [rows[cursor.at]!.key] : []);
  const act = (what: Act) => {
    if (mayChange.value && targets().length) setDoing({ act: what, keys: targets() });
  };
  useKeys([
    ...cursor.keys,
    {
      keys: "Enter",
      what: "Open the job",
      act: () => {
        const job = rows[cursor.at];
        if (job) go(jobPath(job.key));
      },
    },
    { keys: "/", what: "Search", act: () => document.querySelector<HTMLInputElement>("#search")?.focus() },
    {
      keys: "y",
      what: "Copy the job's key",
      act: () => {
        const job = rows[cursor.at];
        if (job) void copy(job.key, job.key);
      },
    },
    ...(mayChange.value
      ? [
          { keys: "x", what: "Select the row", act: () => select(cursor.at, false) },
          { keys: "s", what: "Stop what is selected", act: () => act("stop") },
          { keys: "R", what: "Run again what is selected", act: () => act("again") },
          { keys: "#", what: "Delete what is selected", act: () => act("delete") },
          { keys: "+", what: "Tag what is selected", act: () => act("tag") },
        ]
      : []),
  ]);

  const shown = columnsOf(columns.value);
  const sum = counts.value?.sum;
  const known: Record<string, bigint | undefined> = {
    pending: sum?.pending,
    running: sum?.running,
    finished: sum?.finished,
  };
  const total = list.total.value;
  return (
    <div class="jobs">
      <Heading
        title="Jobs"
        crumbs={[
          ["/", "Projects"],
          [`/p/${project}`, `Project ${project}`],
        ]}
      >
        {mayChange.value && (
          <a class="button primary" href={href(`/p/${project}/schedule`)}>
            <Icon name="plus" />
            Schedule
          </a>
        )}
      </Heading>
      <Search
        value={text}
        project={project}
        spiders={counts.value?.spiders ?? []}
        rows={rows}
        onSearch={search}
      />
      {query.problems.map((problem) => (
        <Note tone="warn">{problem}</Note>
      ))}
      <div class="bar">
        <div class="tabs small" role="group" aria-label="States">
          <button
            type="button"
            aria-pressed={!query.states.length}
            onClick={() => search(without(text, "state:"))}
          >
            All
          </button>
          {STATES.map((state) => (
            <button
              type="button"
              aria-pressed={query.states.includes(state)}
              onClick={() =>
                search(
                  query.states.includes(state)
                    ? without(text, "state:")
                    : toggled(without(text, "state:"), `state:${state}`),
                )
              }
            >
              {state}
              {known[state] !== undefined && <small>{count(known[state])}</small>}
            </button>
          ))}
        </div>
        <span class="dim count" role="status">
          {list.loading.value && !rows.length
            ? "Searching…"
            : total < 0
              ? ""
              : query.bounds.length || query.words.length || query.runners.length
                ? `${count(rows.length)} found, searched ${count(list.looked.value)} of ${count(total)}`
                : plural(total, "job")}
        </span>
        <span class="push" />
        <Menu label="Columns and density" icon="columns" text="Columns">
          {COLUMNS.map((column) => (
            <label class="check">
              <input
                type="checkbox"
                checked={columns.value.includes(column.id)}
                onChange={(event) =>
                  (columns.value = event.currentTarget.checked
                    ? [...columns.value, column.id]
                    : columns.value.filter((id) => id !== column.id))
                }
              />
              {column.name}
            </label>
          ))}
          <hr />
          <label class="check">
            <input
              type="checkbox"
              checked={density.value === "dense"}
              onChange={(event) => (density.value = event.currentTarget.checked ? "dense" : "calm")}
            />
            Dense rows
          </label>
          <Button onClick={() => (columns.value = DEFAULT_COLUMNS)}>As at first</Button>
        </Menu>
      </div>
      {chosen.size > 0 && (
        <Bulk
          count={chosen.size}
          all={list.done.value ? rows.length : total}
          every={() => setChosen(new Set(rows.map((job) => job.key)))}
          none={() => setChosen(new Set())}
          act={act}
          stoppable={[...chosen].some((key) => {
            const job = list.find(key);
            return job && canStop(job);
          })}
          deleted={query.states.includes("deleted")}
        />
      )}
      {list.problem.value && <Failure problem={list.problem.value} retry={() => void list.more()} />}
      {!rows.length && (list.done.value || list.stopped.value) && !list.problem.value && (
        <NoJobs text={text} project={project} clear={() => search("")} stopped={list.stopped.value} />
      )}
      <div
        class={`window ${rows.length ? "" : "gone"}`}
        ref={view.box}
        tabIndex={0}
        role="region"
        aria-label="Jobs"
      >
        <table class={`rows fixed ${density.value}`} aria-rowcount={total >= 0 ? total + 1 : -1}>
          <caption class="hidden">Jobs of project {project}, latest first</caption>
          <thead>
            <tr aria-rowindex={1}>
              {mayChange.value && (
                <th scope="col" class="pick">
                  <input
                    type="checkbox"
                    aria-label="Select all loaded rows"
                    checked={chosen.size > 0 && chosen.size === rows.length}
                    onChange={(event) =>
                      setChosen(event.currentTarget.checked ? new Set(rows.map((job) => job.key)) : new Set())
                    }
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
            {view.above > 0 && (
              <tr class="space" aria-hidden="true">
                <td
                  colSpan={shown.length + 1}
                  ref={(cell) => {
                    if (cell) cell.style.height = `${view.above}px`;
                  }}
                />
              </tr>
            )}
            {rows.slice(view.first, view.last).map((job, index) => {
              const at = view.first + index;
              return (
                <tr
                  key={job.key}
                  aria-rowindex={at + 2}
                  class={`${at === cursor.at ? "at" : ""} ${chosen.has(job.key) ? "chosen" : ""} ${job.state === JobState.DELETED ? "faded" : ""}`}
                  onClick={(event) => {
                    if (!(event.target as Element).closest("a,input,button")) cursor.set(at);
                  }}
                  onDblClick={() => go(jobPath(job.key))}
                >
                  {mayChange.value && (
                    <td class="pick">
                      <input
                        type="checkbox"
                        aria-label={`Select ${job.key}`}
                        checked={chosen.has(job.key)}
                        onClick={(event) => select(at, event.shiftKey, event.currentTarget.checked)}
                      />
                    </td>
                  )}
                  {shown.map((column) => (
                    <td class={column.class}>{column.cell(job)}</td>
                  ))}
                </tr>
              );
            })}
            {view.below > 0 && (
              <tr class="space" aria-hidden="true">
                <td
                  colSpan={shown.length + 1}
                  ref={(cell) => {
                    if (cell) cell.style.height = `${view.below}px`;
                  }}
                />
              </tr>
            )}
          </tbody>
        </table>
      </div>
      {list.stopped.value && (
        <Note>
          Searched {count(list.looked.value)} of {count(total)} jobs.{" "}
          <Button onClick={() => void list.more()}>Search {count(SCAN_STEP)} more</Button>
        </Note>
      )}
      {list.loading.value && rows.length > 0 && <p class="waiting small">Loading more…</p>}
      {!mayChange.value && <p class="dim small">{whyNot.value}</p>}
      {doing && (
        <Doing
          doing={doing}
          jobOf={list.find}
          close={() => setDoing(null)}
          done={async (keys) => {
            setChosen(new Set());
            // Tags are no events: what was changed is read again.
            if (keys.length)
              for (const job of (
                await api.listJobs({ filter: { keys: keys.slice(0, 1000) }, pageSize: 1000 })
              ).jobs)
                list.replace(job);
          }}
        />
      )}
    </div>
  );
}

function NoJobs({
  text,
  project,
  clear,
  stopped,
}: {
  text: string;
  project: number;
  clear: () => void;
  stopped: boolean;
}) {
  if (stopped) return null;
  if (text)
    return (
      <Empty title="No job matches">
        <p>
          The search is{" "}
          <code>
            <bdi>{text}</bdi>
          </code>
          .
        </p>
        <p>
          Conditions are joined by “and”. Try fewer, for instance <code>spider:{quote("name")}</code> alone,
          or a longer <code>since:30d</code>.
        </p>
        <Button onClick={clear}>Show all jobs</Button>
      </Empty>
    );
  return (
    <Empty title="No jobs yet">
      <p>Schedule one with the button above, or:</p>
      <pre tabIndex={0}>
        curl -u KEY: {location.origin}/api/run.json -d project={project} -d spider=somespider
      </pre>
      <Waiting what="Waiting for the first job" />
    </Empty>
  );
}
