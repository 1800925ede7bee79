// Starts the page: who is logged in, then the screen that the address names.
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { loadSession, session } from "./api/session.ts";
import { outage } from "./api/connection.ts";
import { start } from "./live/live.ts";
import { href, route } from "./router.ts";
import { Audit } from "./screens/audit.tsx";
import { Docs } from "./screens/docs.tsx";
import { JobScreen } from "./screens/job.tsx";
import { Jobs } from "./screens/jobs.tsx";
import { Keys } from "./screens/keys.tsx";
import { Login } from "./screens/login.tsx";
import { Project } from "./screens/project.tsx";
import { Projects } from "./screens/projects.tsx";
import { Runners } from "./screens/runners.tsx";
import { Schedule } from "./screens/schedule.tsx";
import { Settings } from "./screens/settings.tsx";
import { Spider } from "./screens/spider.tsx";
import { Store } from "./screens/store.tsx";
import "./style/app.css";
import { Empty, Heading } from "./ui/parts.tsx";
import { Shell } from "./ui/shell.tsx";
import "./ui/theme.ts";

function App() {
  const who = session.value;
  useEffect(() => void (document.title = title()), [route.value]);
  if (who === undefined)
    return outage.value ? (
      <p class="waiting">{outage.value}</p>
    ) : (
      <p class="waiting late" role="status">
        Asking the server who you are…
      </p>
    );
  if (who === null) return <Login />;
  return (
    <Shell>
      <Screen />
    </Shell>
  );
}

function Screen() {
  const to = route.value;
  switch (to.name) {
    case "projects":
    case "login":
      return <Projects />;
    case "project":
      return <Project key={to.project} project={to.project} />;
    case "jobs":
      return <Jobs key={to.project} project={to.project} />;
    case "spider":
      return <Spider key={`${to.project}/${to.spider}`} project={to.project} spider={to.spider} />;
    case "job":
      return <JobScreen key={to.key} project={to.project} spider={to.spider} job={to.key} tab={to.tab} />;
    case "schedule":
      return <Schedule key={to.project} project={to.project} />;
    case "settings":
      return <Settings key={to.project} project={to.project} />;
    case "runners":
      return <Runners />;
    case "keys":
      return <Keys />;
    case "audit":
      return <Audit />;
    case "store":
      return <Store />;
    case "docs":
      return <Docs />;
    case "preferences":
    case "missing":
      return (
        <>
          <Heading title="No such screen" />
          <Empty title="The address leads nowhere">
            <p>
              A job is at <code>/p/PROJECT/SPIDER/JOB</code>, its project's jobs at{" "}
              <code>/p/PROJECT/jobs</code>.
            </p>
            <a class="button" href={href("/")}>
              To the projects
            </a>
          </Empty>
        </>
      );
  }
}

function title(): string {
  const to = route.value;
  const what =
    to.name === "job"
      ? `${to.key} ${to.tab === "overview" ? "" : to.tab}`
      : to.name === "spider"
        ? `spider ${to.project}/${to.spider}`
        : "project" in to
          ? `${to.name} ${to.project}`
          : to.name;
  return `${what.trim()} · spiderq`;
}

start();
void loadSession();
const root = document.querySelector("#app")!;
root.replaceChildren();
render(<App />, root);
