// The frame around every screen: where one is, whether the page is live, who is logged in.
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { outage } from "../api/connection.ts";
import { isAdmin, logOut, session } from "../api/session.ts";
import { now, timeMode } from "../format/time.ts";
import { feedState, paused, retryAt } from "../live/live.ts";
import { go, href, place, project, route } from "../router.ts";
import { Help } from "./help.tsx";
import { Icon, type IconName } from "./icon.tsx";
import { useKeys } from "./keys.ts";
import { Palette } from "./palette.tsx";
import { Button, Menu } from "./parts.tsx";
import { nextTheme, theme } from "./theme.ts";
import { Toasts } from "./toast.tsx";

export const paletteOpen = signal(false);
export const helpOpen = signal(false);
/** The project that was looked at last, for `g j` on screens of none. */
let lastProject = 0;

export function Shell({ children }: { children: ComponentChildren }) {
  const here = project.value;
  if (here) lastProject = here;
  const inProject = (path: string) => () =>
    here || lastProject ? go(`/p/${here || lastProject}${path}`) : go("/");
  useKeys([
    { keys: "?", what: "Show the keys", act: () => (helpOpen.value = true), group: "Everywhere" },
    { keys: "g h", what: "Go to projects", act: () => go("/"), group: "Everywhere" },
    { keys: "g p", what: "Go to the project", act: inProject(""), group: "Everywhere" },
    { keys: "g j", what: "Go to its jobs", act: inProject("/jobs"), group: "Everywhere" },
    { keys: "g s", what: "Go to schedule a job", act: inProject("/schedule"), group: "Everywhere" },
    { keys: "g r", what: "Go to runners", act: () => go("/runners"), group: "Everywhere" },
    {
      keys: "r",
      what: "Pause or resume live updates",
      act: () => (paused.value = !paused.value),
      group: "Everywhere",
    },
    { keys: "t", what: "Change the theme", act: nextTheme, group: "Everywhere" },
    { keys: "u", what: "Times relative, local, UTC", act: nextTime, group: "Everywhere" },
    { keys: "Escape", what: "Back", act: () => history.back(), group: "Everywhere" },
  ]);
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="top">
        <a class="brand" href={href("/")}>
          <Icon name="spider" />
          spiderq
        </a>
        <Places />
        <button
          type="button"
          class="jump"
          onClick={() => (paletteOpen.value = true)}
          title="Jump to a screen, spider or job"
        >
          <Icon name="search" />
          <span>Jump to…</span>
          <kbd>{navigator.platform.startsWith("Mac") ? "⌘" : "Ctrl "}K</kbd>
        </button>
        <Live />
        <Person />
      </header>
      {outage.value && (
        <div class="outage" role="alert">
          <Icon name="warn" />
          <span>{outage.value} The page goes on by itself as soon as it answers.</span>
        </div>
      )}
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      {helpOpen.value && <Help close={() => (helpOpen.value = false)} />}
      {paletteOpen.value && <Palette close={() => (paletteOpen.value = false)} />}
      <Toasts />
    </>
  );
}
addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || !session.peek()) return;
  event.preventDefault();
  paletteOpen.value = !paletteOpen.peek();
});
const TIMES = { relative: "local", local: "utc", utc: "relative" } as const;
const nextTime = () => (timeMode.value = TIMES[timeMode.peek()]);

function Places() {
  const here = project.value;
  const links: [string, string, IconName][] = here
    ? [
        [`/p/${here}`, "Overview", "chart"],
        [`/p/${here}/jobs`, "Jobs", "list"],
        [`/p/${here}/schedule`, "Schedule", "plus"],
        [`/p/${here}/settings`, "Settings", "gear"],
        ["/runners", "Runners", "server"],
      ]
    : [
        ["/", "Projects", "home"],
        ["/runners", "Runners", "server"],
        ...(isAdmin.value
          ? ([
              ["/admin/keys", "Keys", "key"],
              ["/admin/audit", "Audit", "eye"],
              ["/admin/store", "Store", "columns"],
            ] as [string, string, IconName][])
          : []),
        ["/docs", "API", "book"],
      ];
  const path = place.value.path.replace(/(.)\/$/, "$1");
  const current = (to: string) =>
    path === to || (to.endsWith("/jobs") && (route.value.name === "job" || route.value.name === "spider"))
      ? "page"
      : undefined;
  return (
    <nav class="places" aria-label="Screens">
      {here > 0 && (
        <a class="project" href={href(`/p/${here}`)}>
          Project {here}
        </a>
      )}
      {links.map(([to, text, icon]) => (
        <a href={href(to)} aria-current={current(to)}>
          <Icon name={icon} />
          <span>{text}</span>
        </a>
      ))}
    </nav>
  );
}

function Live() {
  const state = feedState.value;
  if (state === "off" && !paused.value) return null;
  const seconds = Math.max(0, Math.ceil((retryAt.value - now.value) / 1000));
  const text = paused.value
    ? "paused"
    : state === "reconnecting"
      ? `reconnecting${seconds ? ` ${seconds} s` : ""}`
      : state;
  return (
    <button
      type="button"
      class={`live ${paused.value ? "paused" : state}`}
      aria-pressed={paused.value}
      onClick={() => (paused.value = !paused.value)}
      title={
        paused.value ? "Live updates are paused: press to resume (r)" : "Live updates: press to pause (r)"
      }
    >
      <i aria-hidden="true" />
      <span>{text}</span>
    </button>
  );
}

function Person() {
  const who = session.value;
  if (!who) return null;
  return (
    <Menu label="You and the page" icon="gear">
      <p class="who">
        <strong>
          <bdi>{who.owner}</bdi>
        </strong>
        <small>
          role {who.role}
          {who.projects?.length
            ? `, ${who.projects.length} project${who.projects.length > 1 ? "s" : ""}`
            : ", all projects"}
        </small>
      </p>
      <label>
        Theme{" "}
        <select
          value={theme.value}
          onChange={(event) => (theme.value = event.currentTarget.value as typeof theme.value)}
        >
          <option value="system">as the system</option>
          <option>light</option>
          <option>dark</option>
        </select>
      </label>
      <label>
        Times{" "}
        <select
          value={timeMode.value}
          onChange={(event) => (timeMode.value = event.currentTarget.value as typeof timeMode.value)}
        >
          <option>relative</option>
          <option>local</option>
          <option value="utc">UTC</option>
        </select>
      </label>
      <a href={href("/docs")}>
        <Icon name="book" />
        API reference
      </a>
      {isAdmin.value && (
        <>
          <a href={href("/admin/keys")}>
            <Icon name="key" />
            Keys
          </a>
          <a href={href("/admin/audit")}>
            <Icon name="eye" />
            Audit
          </a>
          <a href={href("/admin/store")}>
            <Icon name="columns" />
            Store
          </a>
        </>
      )}
      <Button icon="help" onClick={() => (helpOpen.value = true)}>
        Keyboard
      </Button>
      <Button icon="out" onClick={() => void logOut()}>
        Log out
      </Button>
    </Menu>
  );
}
