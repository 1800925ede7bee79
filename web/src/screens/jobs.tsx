// The job list: the address is the filter, the list is as long as the project, and many jobs can be changed at once.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { jobs as api, projects } from "../api/client.ts";
import { healed } from "../api/connection.ts";
import { mayChange, whyNot } from "../api/session.ts";
import { count, plural } from "../format/number.ts";
import { ms } from "../format/time.ts";
import { type Act, type All, canStop, filterFor } from "../job/acts.ts";
import { COLUMNS, DEFAULT_COLUMNS } from "../job/columns.tsx";
import { jobPath } from "../job/facts.ts";
import { JobList, MOST_ROWS, SCAN_STEP } from "../job/list.ts";
import { subscribe } from "../live/live.ts";
import { preference } from "../preference.ts";
import { go, href, place } from "../router.ts";
import { parse, quote, toggled, without } from "../search/parse.ts";
import { useLoad } from "../ui/load.ts";
import { Icon } from "../ui/icon.tsx";
import { useKeys } from "../ui/keys.ts";
import { narrow } from "../ui/narrow.ts";
import { Button, copy, Empty, Failure, Heading, Menu, Note, Waiting } from "../ui/parts.tsx";
import { useRows } from "../ui/rows.ts";
import { useWindow } from "../ui/window.ts";
import { Bulk, Doing } from "./bulk.tsx";
import { JobRows } from "./job_rows.tsx";
import { Search } from "./search.tsx";

/** Heights of rows, px: those of tables.css. */
const ROW = { calm: 40, dense: 30, card: 56 };
const columns = preference<string[]>("columns", DEFAULT_COLUMNS);
const density = preference<"calm" | "dense">("density", "dense", ["calm", "dense"]);
const STATES = ["pending", "running", "finished", "deleted"] as const;

export function Jobs({ project }: { project: number }) {
  const text = new URLSearchParams(place.value.query).get("q") ?? "";
  const query = useMemo(() => parse(text), [text]);
  const [round, setRound] = useState(0);
  const former = useRef<JobList | undefined>(undefined);
  const list = useMemo(() => {
    const before = former.current;
    return (former.current = new JobList(project, query, before?.query === query ? before : undefined));
  }, [project, query, healed.value, round]);
  const [chosen, setChosen] = useState<Set<string>>(new Set());
  const [everything, setEverything] = useState<All | null>(null);
  const [doing, setDoing] = useState<Doing | null>(null);
  const anchor = useRef(-1);
  const rows = list.rows.value;
  const view = useWindow(rows.length, ROW[narrow.value ? "card" : density.value]);
  const cursor = useRows(rows.length, (row) => view.scrollTo(row, "nearest"), rows);
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
    const leave = subscribe(
      (events) => list.apply(events),
      () => setRound((round) => round + 1),
    );
    return () => {
      leave();
      list.close();
    };
  }, [list]);
  useEffect(() => choose([]), [project, query]);
  useEffect(() => {
    if (view.last >= rows.length - 30 && !list.stopped.value) void list.more();
  }, [view.last, rows.length, list, list.stopped.value]);

  const search = (next: string, replace = false) =>
    go(`/p/${project}/jobs${next ? `?q=${encodeURIComponent(next)}` : ""}`, replace);
  const choose = (keys: Iterable<string>) => {
    setEverything(null);
    setChosen(new Set(keys));
  };
  const select = (at: number, range: boolean, on?: boolean) => {
    const next = everything ? new Set(rows.map((job) => job.key)) : new Set(chosen);
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
    choose(next);
  };
  const targets = () => (chosen.size ? [...chosen] : rows[cursor.at] ? [rows[cursor.at]!.key] : []);
  const act = (what: Act) => {
    const all = everything && (what === "stop" ? list.all(true) : everything);
    if (mayChange.value && (all || targets().length)) setDoing({ act: what, keys: all ? [] : targets(), all });
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
          {(list.loading.value || !list.begun.value) && !rows.length
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
      {(chosen.size > 0 || everything) && (
        <Bulk
          count={everything?.count ?? chosen.size}
          loaded={rows.length}
          all={list.all(false)}
          every={(all) => {
            choose(rows.map((job) => job.key));
            if (all) setEverything(all);
          }}
          none={() => choose([])}
          act={act}
          stoppable={
            everything
              ? filterFor("stop", everything.filter) !== null
              : [...chosen].some((key) => {
                  const job = list.find(key);
                  return job && canStop(job);
                })
          }
          deleted={query.states.includes("deleted")}
        />
      )}
      {list.problem.value && <Failure problem={list.problem.value} retry={() => void list.more()} />}
      {!rows.length && list.begun.value && !list.loading.value && !list.problem.value && (
        <NoJobs text={text} project={project} clear={() => search("")} stopped={list.stopped.value} />
      )}
      <JobRows
        project={project}
        rows={rows}
        total={total}
        columns={columns.value}
        dense={density.value === "dense"}
        view={view}
        at={cursor.at}
        onAt={cursor.set}
        {...(mayChange.value && {
          select: {
            has: (key: string) => everything !== null || chosen.has(key),
            all: everything !== null || (chosen.size > 0 && chosen.size === rows.length),
            onAll: (on: boolean) => choose(on ? rows.map((job) => job.key) : []),
            onRow: select,
          },
        })}
      />
      {list.stopped.value && (
        <Note>
          Searched {count(list.looked.value)} of {count(total)} jobs.{" "}
          <Button onClick={() => void list.more()}>Search {count(SCAN_STEP)} more</Button>
        </Note>
      )}
      {rows.length >= MOST_ROWS && total > rows.length && (
        <Note>
          The latest {count(rows.length)} are listed.{" "}
          <Button
            onClick={() => {
              const last = new Date(ms(rows.at(-1)!.stateTime) + 1).toISOString();
              search(toggled(without(text, "until:"), `until:${last}`));
            }}
          >
            List older ones
          </Button>
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
            choose([]);
            if (doing.all) setRound((round) => round + 1);
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
