// One job: what it is, how it goes, and what can be done to it.
import { useEffect, useState } from "preact/hooks";
import { JobState } from "../../gen/spiderq/v1/job_pb.ts";
import { OutputKind } from "../../gen/spiderq/v1/job_output_service_pb.ts";
import { jobs, output } from "../api/client.ts";
import { mayChange, whyNot } from "../api/session.ts";
import { count } from "../format/number.ts";
import { type Act, canDelete, canStop } from "../job/acts.ts";
import { counted } from "../job/list.ts";
import { jobPath, shortKey } from "../job/facts.ts";
import { subscribe } from "../live/live.ts";
import { go, href, JOB_TABS, type JobTab } from "../router.ts";
import { useInterval, useLoad } from "../ui/load.ts";
import { useKeys } from "../ui/keys.ts";
import { Button, copy, Failure, Heading, Menu, Waiting } from "../ui/parts.tsx";
import { StatusBadge } from "../ui/status.tsx";
import { Text } from "../ui/text.tsx";
import { Doing } from "./bulk.tsx";
import { Items } from "./items.tsx";
import { Log } from "./log.tsx";
import { Metadata, Stats } from "./metadata.tsx";
import { Overview } from "./overview.tsx";
import { Requests } from "./requests.tsx";
import { apiUrl } from "../base.ts";

const COUNTED: Partial<Record<JobTab, OutputKind>> = {
  log: OutputKind.LOGS,
  items: OutputKind.ITEMS,
  requests: OutputKind.REQUESTS,
};

export function JobScreen({
  project,
  spider,
  job: key,
  tab,
}: {
  project: number;
  spider: number;
  job: string;
  tab: JobTab;
}) {
  const loaded = useLoad((signal) => jobs.getJob({ key }, { signal }).then((answer) => answer.job!), [key]);
  const stats = useLoad(
    (signal) => output.getOutputStats({ key }, { signal }).catch(() => null),
    [key, loaded.value?.attempt ?? 0],
    true,
  );
  const [doing, setDoing] = useState<Doing | null>(null);
  const [stopAsked, setStopAsked] = useState(false);
  const job = loaded.value;
  const running = job?.state === JobState.RUNNING;

  useEffect(
    () =>
      subscribe((events) => {
        const mine = events.filter((event) => event.job?.key === key);
        if (!mine.length) return;
        if (mine.some((event) => event.event.case === "stopRequested")) setStopAsked(true);
        const last = mine.at(-1)!.event;
        if (mine.some((event) => event.event.case !== "progress")) loaded.reload();
        else if (last.case === "progress") loaded.set((job) => counted(job, last.value.counters));
      }, loaded.reload),
    [key],
  );
  useInterval(
    () => {
      stats.reload();
    },
    running ? 2_000 : 0,
  );

  const act = (what: Act) => job && mayChange.value && setDoing({ act: what, keys: [key] });
  const tabs = (step: number) => {
    const at = JOB_TABS.indexOf(tab) + step;
    const to = JOB_TABS[at];
    if (to) go(tabPath(key, to));
  };
  useKeys([
    { keys: "y", what: "Copy the job's key", act: () => void copy(key, key) },
    { keys: "]", what: "Next tab", act: () => tabs(1) },
    { keys: "[", what: "Tab before", act: () => tabs(-1) },
    { keys: "o", what: "Overview", act: () => go(tabPath(key, "overview")) },
    { keys: "L", what: "Log", act: () => go(tabPath(key, "log")) },
    { keys: "I", what: "Items", act: () => go(tabPath(key, "items")) },
    ...(mayChange.value
      ? [
          {
            keys: "s",
            what: "Stop",
            act: () => {
              if (job && canStop(job)) act("stop");
            },
          },
          {
            keys: "R",
            what: "Run again",
            act: () => {
              act("again");
            },
          },
          {
            keys: "c",
            what: "Clone into the form",
            act: () => go(`/p/${project}/schedule?like=${encodeURIComponent(key)}`),
          },
          {
            keys: "+",
            what: "Tag",
            act: () => {
              act("tag");
            },
          },
          {
            keys: "#",
            what: "Delete",
            act: () => {
              if (job && canDelete(job)) act("delete");
            },
          },
        ]
      : []),
  ]);

  const crumbs: [string, string][] = [
    ["/", "Projects"],
    [`/p/${project}`, `Project ${project}`],
    [`/p/${project}/jobs`, "Jobs"],
  ];
  if (!job)
    return (
      <>
        <Heading title={`Job ${key}`} crumbs={crumbs} />
        {loaded.problem ? (
          <Failure problem={loaded.problem} retry={loaded.reload} />
        ) : (
          <Waiting what="Loading the job" />
        )}
      </>
    );
  const lines = (kind: OutputKind | undefined) =>
    stats.value?.outputs.find((each) => each.kind === kind)?.lines;
  return (
    <div class={`job ${tab === "log" ? "fill" : ""}`}>
      <Heading
        crumbs={crumbs}
        title={
          <>
            <a class="plain" href={href(`/p/${project}/${spider}`)}>
              <Text of={job.spiderName} max={120} />
            </a>{" "}
            <span class="mono soft">{shortKey(key)}</span> <StatusBadge job={job} />
            {running && stopAsked && <span class="badge warn">stop requested</span>}
          </>
        }
      >
        {mayChange.value ? (
          <>
            {canStop(job) && (
              <Button icon="stop" onClick={() => act("stop")}>
                {job.state === JobState.PENDING ? "Cancel" : "Stop"}
              </Button>
            )}
            <Button icon="again" onClick={() => act("again")}>
              Run again
            </Button>
            <a class="button" href={href(`/p/${project}/schedule?like=${encodeURIComponent(key)}`)}>
              Clone…
            </a>
            <Button icon="tag" onClick={() => act("tag")} label="Tag" />
            {canDelete(job) && (
              <Button icon="trash" kind="danger" onClick={() => act("delete")} label="Delete" />
            )}
            {job.state === JobState.DELETED && (
              <Button icon="again" onClick={() => act("restore")}>
                Restore
              </Button>
            )}
          </>
        ) : (
          <span class="dim small why">{whyNot.value}</span>
        )}
        <Menu label="Copy" icon="copy">
          {(
            [
              ["Key", key],
              ["Address", location.origin + href(jobPath(key))],
              ["shub", `shub log ${key}`],
              ["curl", `curl -u KEY: ${location.origin}${apiUrl(`jobs/${key}`)}`],
              ["Log by curl", `curl -u KEY: ${location.origin}${apiUrl(`logs/${key}?format=text`)}`],
            ] as const
          ).map(([name, text]) => (
            <Button icon="copy" onClick={() => void copy(text, name)}>
              {name}
            </Button>
          ))}
        </Menu>
      </Heading>
      <nav class="tabs" aria-label="Parts of the job">
        {JOB_TABS.map((each) => {
          const n = lines(COUNTED[each]);
          return (
            <a href={href(tabPath(key, each))} aria-current={each === tab ? "page" : undefined}>
              {each[0]!.toUpperCase() + each.slice(1)}
              {n !== undefined && <small>{count(n)}</small>}
            </a>
          );
        })}
      </nav>
      {loaded.problem && <Failure problem={loaded.problem} retry={loaded.reload} />}
      {tab === "overview" && <Overview job={job} stats={stats.value ?? null} />}
      {tab === "log" && <Log job={job} stats={stats.value} />}
      {tab === "items" && <Items job={job} stats={stats.value ?? null} />}
      {tab === "requests" && <Requests job={job} stats={stats.value ?? null} />}
      {tab === "stats" && <Stats job={job} />}
      {tab === "metadata" && <Metadata job={job} />}
      {doing && (
        <Doing doing={doing} jobOf={() => job} close={() => setDoing(null)} done={() => loaded.reload()} />
      )}
    </div>
  );
}
const tabPath = (key: string, tab: JobTab) => jobPath(key) + (tab === "overview" ? "" : `/${tab}`);
