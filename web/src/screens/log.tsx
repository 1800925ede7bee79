// A job's log: any of a million lines at once, by level and by text, followed as it grows.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Job, JobState } from "../../gen/spiderq/v1/job_pb.ts";
import { type GetOutputStatsResponse, OutputKind } from "../../gen/spiderq/v1/job_output_service_pb.ts";
import { healed } from "../api/connection.ts";
import { apiUrl } from "../base.ts";
import { count, plural } from "../format/number.ts";
import { LogReader } from "../job/output.ts";
import { go, href, place } from "../router.ts";
import { useKeys } from "../ui/keys.ts";
import { Button, copy, Empty, Failure, Menu, Note } from "../ui/parts.tsx";
import { Icon } from "../ui/icon.tsx";
import { useWindow } from "../ui/window.ts";
import { LEVELS, Line, lineRange, ROW } from "./log_line.tsx";


export function Log({ job, stats }: { job: Job; stats: GetOutputStatsResponse | null | undefined }) {
  const search = new URLSearchParams(place.value.query);
  const level = Number(search.get("level")) || 0;
  const text = search.get("text") ?? "";
  const regex = search.get("re") === "1";
  const [from, to] = lineRange(place.value.hash);
  const reader = useMemo(
    () => new LogReader(job.key, { level, text, regex }),
    [job.key, job.attempt, level, text, regex, healed.value],
  );
  const [opened, setOpened] = useState<Map<number, number>>(new Map());
  const [row, setRow] = useState(-1);
  const [follow, setFollow] = useState(job.state === JobState.RUNNING && from < 0);
  const seen = useRef(0);
  const logs = stats?.outputs.find((each) => each.kind === OutputKind.LOGS);
  const lines = Number(logs?.lines ?? 0n);
  reader.version.value;
  const total = reader.count.value;
  const following = useRef(false);
  const view = useWindow(total, ROW, opened, () => {
    if (following.current && !view.atEnd()) setFollow(false);
  });
  following.current = follow;

  useEffect(() => {
    reader.grow(lines);
  }, [reader, lines]);
  useEffect(() => {
    setOpened(new Map());
    setRow(-1);
    if (reader.filtered)
      void reader.search().then(() => {
        if (job.state === JobState.RUNNING && !reader.more.peek()) void reader.follow();
      });
    return () => reader.close();
  }, [reader]);
  useEffect(() => {
    if (job.state === JobState.RUNNING && !reader.filtered && stats !== undefined) void reader.follow();
  }, [reader, job.state, stats !== undefined]);
  useEffect(() => {
    if (follow && total) view.scrollTo(total - 1, "end");
    if (follow) seen.current = total;
  }, [follow, total]);
  useEffect(() => {
    if (from >= 0 && total) {
      const at = reader.rowOf(from);
      if (at >= 0) {
        setFollow(false);
        setRow(at);
        view.scrollTo(at);
      }
    }
  }, [from, reader, total > 0]);
  useEffect(() => {
    if (reader.more.value && view.last >= total - 50) void reader.search();
  }, [view.last, total, reader.more.value]);

  const ask = (next: { level?: number; text?: string; regex?: boolean }) => {
    const wanted = { level, text, regex, ...next };
    const query = new URLSearchParams();
    if (wanted.level) query.set("level", String(wanted.level));
    if (wanted.text) query.set("text", wanted.text);
    if (wanted.text && wanted.regex) query.set("re", "1");
    go(`/p/${job.key}/log${query.size ? `?${query}` : ""}`);
  };
  const toggle = (at: number) => {
    const next = new Map(opened);
    if (!next.delete(at)) next.set(at, 0);
    setOpened(next);
  };
  const move = (step: number) => {
    const next = Math.max(0, Math.min(total - 1, (row < 0 ? view.first + 8 : row) + step));
    setFollow(false);
    setRow(next);
    view.scrollTo(next, "nearest");
  };
  const nextError = (step: number) => {
    for (let at = row + step; at >= 0 && at < total; at += step) {
      const line = reader.line(at);
      if (!line) break;
      if (line.level >= 40) return void (setRow(at), setFollow(false), view.scrollTo(at));
    }
    ask({ level: 40 });
  };
  useKeys([
    {
      keys: "/",
      what: "Search the log",
      act: () => document.querySelector<HTMLInputElement>("#log-search")?.focus(),
    },
    { keys: "j", what: "Next line", act: () => move(1) },
    { keys: "k", what: "Line before", act: () => move(-1) },
    {
      keys: "Enter",
      what: "Open or fold the line",
      act: () => {
        if (row >= 0) toggle(row);
      },
    },
    { keys: "f", what: "Follow", act: () => setFollow(!follow) },
    { keys: "G", what: "To the end", act: () => view.scrollTo(total - 1, "end") },
    {
      keys: "g g",
      what: "To the begin",
      act: () => {
        setFollow(false);
        view.scrollTo(0);
      },
    },
    { keys: "e", what: "Next error", act: () => nextError(1) },
    { keys: "E", what: "Error before", act: () => nextError(-1) },
    { keys: "l", what: "Next level", act: () => ask({ level: level >= 50 ? 0 : level + 10 }) },
    { keys: "n", what: "Next line that was found", act: () => move(1) },
    { keys: "N", what: "Line before that was found", act: () => move(-1) },
    {
      keys: "p",
      what: "Copy a link to the line",
      act: () => {
        const line = reader.line(row);
        if (line)
          void copy(location.origin + href(`/p/${job.key}/log#L${line.at}`), `a link to line ${line.at}`);
      },
    },
  ]);

  const counts = (from: number) =>
    Object.entries(logs?.counts ?? {}).reduce(
      (sum, [each, n]) =>
        sum +
        ((Number(each) >= from && Number(each) < from + 10) || (from === 50 && Number(each) >= 50)
          ? Number(n)
          : 0),
      0,
    );
  const pattern = useMemo(() => patternOf(text, regex), [text, regex]);
  const fresh = total - seen.current;
  const download = (format: string) => apiUrl(`logs/${job.key}?format=${format}`);
  return (
    <div class="log">
      <div class="bar">
        <form
          class="search-line small"
          role="search"
          onSubmit={(event) => {
            event.preventDefault();
            const form = event.currentTarget;
            ask({
              text: (form.elements.namedItem("text") as HTMLInputElement).value,
              regex: (form.elements.namedItem("re") as HTMLInputElement).checked,
            });
          }}
        >
          <Icon name="search" />
          <input
            id="log-search"
            name="text"
            key={text}
            defaultValue={text}
            placeholder="Search all lines"
            aria-label="Search all lines of the log"
            autocomplete="off"
            spellcheck={false}
          />
          <label class="check" title="In the syntax of RE2">
            <input type="checkbox" name="re" defaultChecked={regex} />
            .*
          </label>
          <button type="submit">Search</button>
        </form>
        <div class="tabs small levels" role="group" aria-label="Least level">
          <button type="button" aria-pressed={!level} onClick={() => ask({ level: 0 })}>
            All<small>{count(lines)}</small>
          </button>
          {LEVELS.map(([each, name]) => (
            <button
              type="button"
              class={`lv-${each}`}
              aria-pressed={level === each}
              title={`${name} and above`}
              onClick={() => ask({ level: level === each ? 0 : each })}
            >
              {name}
              <small>{count(counts(each))}</small>
            </button>
          ))}
        </div>
        <span class="push" />
        {job.state === JobState.RUNNING && (
          <Button icon={follow ? "pause" : "down"} pressed={follow} onClick={() => setFollow(!follow)}>
            Follow
          </Button>
        )}
        <Menu label="Download" icon="down" text="Download">
          <a href={download("text")} download={`${job.key.replaceAll("/", "-")}.log`}>
            Text
          </a>
          <a href={download("jl")} download={`${job.key.replaceAll("/", "-")}.jl`}>
            JSON lines
          </a>
          <a href={download("csv")} download={`${job.key.replaceAll("/", "-")}.csv`}>
            CSV
          </a>
        </Menu>
      </div>
      {reader.filtered && (
        <p class="dim small" role="status">
          {reader.searching.value ? "Searching…" : ""} {plural(total, "line")} found
          {reader.more.value ? " so far" : ""}
          {text && !pattern ? "; the browser can't mark what this expression finds" : ""}
        </p>
      )}
      {reader.problem.value && <Failure problem={reader.problem.value} retry={() => void reader.search()} />}
      {total === 0 && !reader.searching.value && (reader.filtered || (stats !== undefined && !lines)) && (
        <NoLines
          job={job}
          filtered={reader.filtered}
          known={stats !== null}
          clear={() => ask({ level: 0, text: "" })}
        />
      )}
      <div
        class={`lines ${total ? "" : "gone"}`}
        ref={view.box}
        tabIndex={0}
        role="log"
        aria-label="Log lines"
        aria-live="off"
      >
        <div
          ref={(space) => {
            if (space) space.style.height = `${view.above}px`;
          }}
        />
        {Array.from({ length: Math.max(0, view.last - view.first) }, (_, index) => {
          const at = view.first + index;
          const line = reader.line(at);
          return (
            <Line
              key={at}
              line={line}
              row={at}
              marked={(line && from >= 0 && line.at >= from && line.at <= to) || at === row}
              open={opened.has(at)}
              pattern={pattern}
              toggle={() => {
                setRow(at);
                toggle(at);
              }}
              tall={(pixels) => {
                if (opened.has(at) && opened.get(at) !== pixels) setOpened(new Map(opened).set(at, pixels));
              }}
              job={job.key}
            />
          );
        })}
        <div
          ref={(space) => {
            if (space) space.style.height = `${view.below}px`;
          }}
        />
      </div>
      {!follow && job.state === JobState.RUNNING && fresh > 0 && seen.current > 0 && (
        <button type="button" class="fresh" onClick={() => setFollow(true)}>
          {plural(fresh, "new line")} <Icon name="down" />
        </button>
      )}
    </div>
  );
}

function NoLines({
  job,
  filtered,
  known,
  clear,
}: {
  job: Job;
  filtered: boolean;
  known: boolean;
  clear: () => void;
}) {
  if (filtered)
    return (
      <Empty title="No line matches">
        <Button onClick={clear}>Show all lines</Button>
      </Empty>
    );
  if (!known) return <Note>The server keeps no output of jobs, or the output was removed by retention.</Note>;
  if (job.state === JobState.PENDING)
    return (
      <Empty title="The job has not started">
        <p>Its log comes here line by line as soon as it runs.</p>
      </Empty>
    );
  if (job.state === JobState.RUNNING)
    return (
      <Empty title="No line yet">
        <p class="waiting">Waiting for the first line…</p>
      </Empty>
    );
  return (
    <Empty title="The job wrote no log">
      <p>
        Runners send logs by themselves; others append them by <code>POST /logs/{job.key}</code>.
      </p>
    </Empty>
  );
}

/** The expression as the browser has it, to mark what was found; null where it can't. */
function patternOf(text: string, regex: boolean): RegExp | null {
  if (!text) return null;
  try {
    return new RegExp(
      regex ? text.replace(/^\(\?i\)/, "") : text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"),
      regex && text.startsWith("(?i)") ? "gi" : "g",
    );
  } catch {
    return null;
  }
}
