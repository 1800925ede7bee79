// The search line of the job list, with suggestions while it is typed.
import { useEffect, useState } from "preact/hooks";
import type { Job } from "../../gen/spiderq/v1/job_pb.ts";
import { quote, toggled, words } from "../search/parse.ts";
import { Icon } from "../ui/icon.tsx";
import { Text } from "../ui/text.tsx";

const NAMES: [start: string, what: string][] = [
  ["spider:", "name or number"],
  ["tag:", "has it"],
  ["-tag:", "has it not"],
  ["state:", "pending, running, finished, deleted"],
  ["outcome:", "how it ended"],
  ["arg.", "arg.city:Rome"],
  ["errors:", "errors:>0"],
  ["items:", "items:<10"],
  ["pages:", "pages:>100"],
  ["runtime:", "runtime:>10m"],
  ["wait:", "wait:>5m"],
  ["since:", "30m, 2h, 7d or a date"],
  ["until:", "as since"],
  ["priority:", "0 to 4"],
  ["runner:", "part of its name"],
];
const OUTCOMES = [
  "finished",
  "failed",
  "cancelled",
  "cancel_timeout",
  "shutdown",
  "lost",
  "memusage_exceeded",
  "closespider_timeout",
  "closespider_errorcount",
];
const SHOWN = 10;

export function Search({
  value,
  project,
  spiders,
  rows,
  onSearch,
}: {
  value: string;
  project: number;
  spiders: string[];
  rows: Job[];
  onSearch: (text: string) => void;
}) {
  const [text, setText] = useState(value);
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(-1);
  useEffect(() => setText(value), [value, project]);
  const start = /(\S*)$/.exec(text)?.[1] ?? "";
  const found = open ? suggestions(start, spiders, rows) : [];
  const take = (full: string) => {
    const next = text.slice(0, text.length - start.length) + full;
    const whole = !full.endsWith(":") && !full.endsWith(".");
    setText(whole ? next + " " : next);
    setAt(-1);
    if (whole) {
      setOpen(false);
      onSearch(next.trim());
    }
  };
  return (
    <form
      class="search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        setOpen(false);
        onSearch(text.trim());
      }}
    >
      <div class="search-line">
        <Icon name="search" />
        <input
          id="search"
          type="text"
          role="combobox"
          aria-label="Search jobs"
          aria-expanded={found.length > 0}
          aria-controls="search-list"
          aria-activedescendant={at >= 0 ? `suggestion-${at}` : undefined}
          autocomplete="off"
          spellcheck={false}
          placeholder="spider:quotes  tag:daily  outcome:failed  arg.city:Rome  errors:>0  since:2d"
          value={text}
          onInput={(event) => {
            setText(event.currentTarget.value);
            setOpen(true);
            setAt(-1);
          }}
          onFocus={() => setOpen(true)}
          onBlur={() => setTimeout(() => setOpen(false), 150)}
          onKeyDown={(event) => {
            if (event.key === "ArrowDown" && found.length) setAt((at + 1) % found.length);
            else if (event.key === "ArrowUp" && found.length) setAt((at + found.length - 1) % found.length);
            else if ((event.key === "Enter" || event.key === "Tab") && at >= 0 && found[at])
              take(found[at]![0]);
            else if (event.key === "Escape" && open && found.length) {
              setOpen(false);
              event.stopPropagation();
            } else return;
            event.preventDefault();
          }}
        />
        {value && (
          <button type="button" class="quiet" aria-label="Clear the search" onClick={() => onSearch("")}>
            <Icon name="bad" />
          </button>
        )}
        <button type="submit">Search</button>
      </div>
      <ul id="search-list" role="listbox" aria-label="Suggestions" class={found.length ? "" : "gone"}>
        {found.map(([full, what], index) => (
          <li
            id={`suggestion-${index}`}
            role="option"
            aria-selected={index === at}
            onMouseDown={(event) => {
              event.preventDefault();
              take(full);
            }}
          >
            <code>
              <Text of={full} max={80} />
            </code>
            <small>{what}</small>
          </li>
        ))}
      </ul>
      {value && (
        <div class="pills" role="group" aria-label="Conditions">
          {words(value).map((word) => (
            <button
              type="button"
              class="chip pill"
              aria-label={`Remove ${word}`}
              onClick={() => onSearch(toggled(value, word))}
            >
              <Text of={word} max={80} />
              <Icon name="bad" />
            </button>
          ))}
        </div>
      )}
    </form>
  );
}

function suggestions(start: string, spiders: string[], rows: Job[]): [string, string][] {
  const colon = start.indexOf(":");
  const name = start.slice(0, colon);
  const part = start.slice(colon + 1).toLowerCase();
  const some = rows.slice(0, 500);
  const values = (all: Iterable<string>, prefix: string, what = ""): [string, string][] =>
    [...new Set(all)]
      .filter((value) => value.toLowerCase().includes(part))
      .slice(0, SHOWN)
      .map((value) => [prefix + quote(value), what]);
  if (colon > 0) {
    if (name === "spider") return values(spiders, "spider:");
    if (name === "tag" || name === "-tag")
      return values(
        some.flatMap((job) => job.tags),
        name + ":",
      );
    if (name === "outcome")
      return values([...some.map((job) => job.closeReason).filter(Boolean), ...OUTCOMES], "outcome:");
    if (name === "state") return values(["pending", "running", "finished", "deleted"], "state:");
    if (name === "since" || name === "until") return values(["1h", "1d", "7d", "30d"], name + ":");
    if (name === "runner") return values(some.map((job) => job.startedBy).filter(Boolean), "runner:");
    if (name.startsWith("arg."))
      return values(some.map((job) => job.spiderArgs[name.slice(4)] ?? "").filter(Boolean), name + ":");
    return [];
  }
  if (start.startsWith("arg."))
    return [...new Set(some.flatMap((job) => Object.keys(job.spiderArgs)))]
      .map((arg): [string, string] => [`arg.${arg}:`, "argument"])
      .filter(([full]) => full.startsWith(start))
      .slice(0, SHOWN);
  return NAMES.filter(([full]) => full.startsWith(start)).slice(0, start ? SHOWN : 15);
}
