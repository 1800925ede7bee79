// The palette: jump to a screen, a project, a spider or a job, or do what a key does.
import { useEffect, useRef, useState } from "preact/hooks";
import { projects } from "../api/client.ts";
import { isAdmin, mayChange } from "../api/session.ts";
import { go, project } from "../router.ts";
import { bound } from "./keys.ts";
import { Dialog } from "./parts.tsx";
import { Text } from "./text.tsx";

interface Entry {
  text: string;
  sub: string;
  act: () => void;
}
const SHOWN = 12;

export function Palette({ close }: { close: () => void }) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const [spiders, setSpiders] = useState<Entry[]>([]);
  const [known, setKnown] = useState<Entry[]>([]);
  const list = useRef<HTMLUListElement>(null);
  const here = project.value;
  useEffect(() => {
    if (here)
      void projects.listSpiders({ project: BigInt(here) }).then(
        (answer) =>
          setSpiders(
            answer.spiders.map((spider) => ({
              text: spider.name,
              sub: `spider ${here}/${spider.id}`,
              act: () => go(`/p/${here}/${spider.id}`),
            })),
          ),
        () => undefined,
      );
    void projects.listProjects({ pageSize: 500 }).then(
      (answer) =>
        setKnown(
          answer.projects.map(({ id }) => ({
            text: `Project ${id}`,
            sub: "project",
            act: () => go(`/p/${id}`),
          })),
        ),
      () => undefined,
    );
  }, [here]);

  const screens: [string, string][] = [
    ["Projects", "/"],
    ["Runners", "/runners"],
    ["API reference", "/docs"],
    ...((here
      ? [
          ["Overview", `/p/${here}`],
          ["Jobs", `/p/${here}/jobs`],
          ["Jobs that failed", `/p/${here}/jobs?q=outcome%3Afailed`],
          ["Running jobs", `/p/${here}/jobs?q=state%3Arunning`],
          ["Settings", `/p/${here}/settings`],
        ]
      : []) as [string, string][]),
    ...(here && mayChange.value ? [["Schedule a job", `/p/${here}/schedule`] as [string, string]] : []),
    ...((isAdmin.value
      ? [
          ["API keys", "/admin/keys"],
          ["Audit", "/admin/audit"],
          ["Store", "/admin/store"],
        ]
      : []) as [string, string][]),
  ];
  const entries: Entry[] = [
    ...screens.map(([name, path]) => ({ text: name, sub: "go", act: () => go(path) })),
    ...bound.value
      .filter((key) => !key.what.startsWith("Go ") && key.keys !== "Escape")
      .map((key) => ({ text: key.what, sub: key.keys, act: key.act })),
    ...spiders,
    ...known,
  ];
  const wanted = text.trim().toLowerCase();
  const found = wanted
    ? entries.filter((entry) => wanted.split(/\s+/).every((word) => entry.text.toLowerCase().includes(word)))
    : entries;
  const key = /(?:(\d+)\/)?(\d+)\/(\d+)/.exec(text);
  if (key && (key[1] || here)) {
    const full = `${key[1] ?? here}/${key[2]}/${key[3]}`;
    found.unshift(
      { text: `Job ${full}`, sub: "open", act: () => go(`/p/${full}`) },
      { text: `Log of ${full}`, sub: "open", act: () => go(`/p/${full}/log`) },
    );
  } else if (wanted && here)
    found.push({
      text: `Search jobs for ${text.trim()}`,
      sub: "search",
      act: () => go(`/p/${here}/jobs?q=${encodeURIComponent(text.trim())}`),
    });
  const shown = found.slice(0, SHOWN);
  const chosen = Math.min(at, shown.length - 1);
  const run = (entry: Entry | undefined) => {
    if (entry) {
      close();
      setTimeout(entry.act);
    }
  };
  return (
    <Dialog title="Jump to" close={close} class="palette">
      <input
        type="text"
        role="combobox"
        aria-label="Screen, spider, job key or action"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={chosen >= 0 ? `entry-${chosen}` : undefined}
        placeholder="Screen, spider, 53/7/81, or an action"
        autocomplete="off"
        autofocus
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown") setAt(Math.min(chosen + 1, shown.length - 1));
          else if (event.key === "ArrowUp") setAt(Math.max(chosen - 1, 0));
          else if (event.key === "Enter") run(shown[chosen]);
          else return;
          event.preventDefault();
        }}
      />
      <ul id="palette-list" role="listbox" aria-label="What was found" ref={list}>
        {shown.map((entry, index) => (
          <li
            id={`entry-${index}`}
            role="option"
            aria-selected={index === chosen}
            onClick={() => run(entry)}
            onMouseMove={() => setAt(index)}
          >
            <Text of={entry.text} max={120} />
            <small>{entry.sub}</small>
          </li>
        ))}
      </ul>
      {!shown.length && (
        <p class="dim">Nothing of that name. A job's key such as 53/7/81 leads to the job.</p>
      )}
    </Dialog>
  );
}
