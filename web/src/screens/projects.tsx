// All projects at a glance, live; without any, how the first job comes.
import { useEffect, useRef, useState } from "preact/hooks";
import { projects, queue } from "../api/client.ts";
import { allRunners } from "../api/runners.ts";
import { session } from "../api/session.ts";
import { count, plural } from "../format/number.ts";
import { ms } from "../format/time.ts";
import { feedState, subscribe } from "../live/live.ts";
import { go, href } from "../router.ts";
import { useLoad, useInterval } from "../ui/load.ts";
import { Command, Empty, Failure, Heading, Waiting } from "../ui/parts.tsx";
import { StatusBadge } from "../ui/status.tsx";
import { Text, When } from "../ui/text.tsx";
import { useKeys } from "../ui/keys.ts";
import { useRows } from "../ui/rows.ts";
import { json, outcomeTone, shortKey } from "../job/facts.ts";
import type { Job } from "../../gen/spiderq/v1/job_pb.ts";
import type { ProjectSummary } from "../../gen/spiderq/v1/project_service_pb.ts";

/** Of so many projects the names and last jobs are asked for. */
const DETAILED = 100;
/** Projects in which something happens are read again so often, ms. */
const GATHER = 500;
interface Row {
  id: number;
  sum: ProjectSummary | undefined;
  runners: number;
}
/** What one row is asked for alone, after the rows are shown. */
interface Detail {
  name: string;
  last: Job[];
  oldest: number;
}

async function load(signal: AbortSignal): Promise<Row[]> {
  const [listed, summed, taking] = await Promise.all([
    projects.listProjects({}, { signal }),
    projects.summarizeProjects({}, { signal }),
    allRunners({}, signal),
  ]);
  const sums = new Map(summed.summaries.map((sum) => [sum.project, sum]));
  return listed.projects.map(({ id }) => ({
    id: Number(id),
    sum: sums.get(id),
    runners: taking.filter((runner) => runner.projects.includes(id)).length,
  }));
}
async function detail(id: number, name?: string): Promise<Detail> {
  const project = BigInt(id);
  const [settings, latest] = await Promise.all([
    name === undefined ? projects.getProjectSettings({ project }) : undefined,
    queue.summarizeQueue({ project, jobsPerState: 20 }),
  ]);
  const given = settings && json(settings.settingsJson.name);
  return {
    name: name ?? (typeof given === "string" ? given : ""),
    last: latest.states[2]?.jobs ?? [],
    oldest: Math.min(...(latest.states[0]?.jobs ?? []).map((job) => ms(job.pendingTime))),
  };
}

/** The rows, and their details as they come; what happens changes the rows that it is about. */
function useProjects() {
  const loaded = useLoad(load, []);
  const [details, setDetails] = useState(new Map<number, Detail>());
  const known = useRef(details);
  known.current = details;
  const rows = useRef(loaded.value);
  rows.current = loaded.value;
  const read = (ids: number[]) =>
    ids.map((id) =>
      detail(id, known.current.get(id)?.name).then(
        (one) => setDetails((all) => new Map(all).set(id, one)),
        () => undefined,
      ),
    );
  const listed = loaded.value?.map((row) => row.id).join();
  useEffect(() => {
    read((rows.current ?? []).slice(0, DETAILED).map((row) => row.id));
  }, [listed]);
  useEffect(() => {
    let waiting = 0;
    const changed = new Set<number>();
    const refresh = async () => {
      waiting = 0;
      const ids = [...changed].slice(0, 1_000);
      changed.clear();
      const at = new Map(rows.current?.map((row, index) => [row.id, index]));
      if (!ids.every((id) => at.has(id))) return loaded.reload();
      const answer = await projects.summarizeProjects({ projects: ids.map(BigInt) }).catch(() => undefined);
      const sums = new Map(answer?.summaries.map((sum) => [Number(sum.project), sum]));
      loaded.set((all) => all.map((row) => (sums.has(row.id) ? { ...row, sum: sums.get(row.id) } : row)));
      read(ids.filter((id) => at.get(id)! < DETAILED));
    };
    const leave = subscribe((events) => {
      for (const { job } of events) if (job) changed.add(Number(job.key.split("/")[0]));
      waiting ||= window.setTimeout(() => void refresh(), GATHER);
    }, loaded.reload);
    return () => {
      leave();
      clearTimeout(waiting);
    };
  }, []);
  const live = feedState.value === "live";
  useInterval(loaded.reload, loaded.value?.length ? (live ? 60_000 : 15_000) : 2_000);
  return { ...loaded, details };
}

export function Projects() {
  const { value, problem, reload, details } = useProjects();
  const rows = useRows(value?.length ?? 0);
  useKeys([
    ...rows.keys,
    {
      keys: "Enter",
      what: "Open the project",
      act: () => {
        const row = value?.[rows.at];
        if (row) go(`/p/${row.id}`);
      },
    },
  ]);
  if (!value)
    return problem ? <Failure problem={problem} retry={reload} /> : <Waiting what="Loading the projects" />;
  if (!value.length) return <First />;
  return (
    <>
      <Heading title="Projects">
        <span class="dim">{plural(value.length, "project")}</span>
      </Heading>
      {problem && <Failure problem={problem} retry={reload} />}
      <div class="scroll" tabIndex={0} role="region" aria-label="Projects">
        <table class="rows stack">
          <caption class="hidden">Projects and their jobs</caption>
          <thead>
            <tr>
              <th scope="col">Project</th>
              <th scope="col" class="num">
                Pending
              </th>
              <th scope="col" class="num">
                Running
              </th>
              <th scope="col" class="num">
                Finished
              </th>
              <th scope="col" class="mid">
                Last runs
              </th>
              <th scope="col" class="wide">
                Last job
              </th>
              <th scope="col" class="num wide">
                Runners
              </th>
            </tr>
          </thead>
          <tbody>
            {value.map((row, at) => (
              <ProjectRow key={row.id} row={row} detail={details.get(row.id)} at={at === rows.at} />
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function ProjectRow({ row, detail, at }: { row: Row; detail: Detail | undefined; at: boolean }) {
  const { pending = 0n, running = 0n, finished = 0n, hasCapacity = true } = row.sum ?? {};
  const [name, oldest, last] = [detail?.name, detail?.oldest ?? 0, detail?.last[0]];
  const jobs = (state: string, n: bigint) => (
    <a class={n ? "" : "zero"} href={href(`/p/${row.id}/jobs?q=state%3A${state}`)}>
      {count(n)}
    </a>
  );
  return (
    <tr class={at ? "at" : ""}>
      <th scope="row" class="name">
        <a href={href(`/p/${row.id}`)}>{name ? <Text of={name} max={60} /> : `Project ${row.id}`}</a>
        {name && <small class="dim"> {row.id}</small>}
      </th>
      <td class="num" data-label="pending">
        {jobs("pending", pending)}
        {pending > 0n && oldest > 0 && oldest < Infinity && (
          <small class="dim block">
            since <When at={oldest} />
          </small>
        )}
      </td>
      <td class="num" data-label="running">
        {jobs("running", running)}
        {!hasCapacity && <small class="block">at its limit</small>}
      </td>
      <td class="num" data-label="finished">
        {jobs("finished", finished)}
      </td>
      <td class="mid">
        <Outcomes jobs={detail?.last ?? []} />
      </td>
      <td class="wide">
        {last ? (
          <span class="inline">
            <a href={href(`/p/${last.key}`)}>{shortKey(last.key)}</a> <StatusBadge job={last} />{" "}
            <small class="dim">
              <When at={ms(last.stateTime)} />
            </small>
          </span>
        ) : (
          <span class="dim">{detail && "none yet"}</span>
        )}
      </td>
      <td class="num wide" data-label="runners">
        {row.runners || <span class={pending ? "warn-text" : "dim"}>{pending ? "none" : "0"}</span>}
      </td>
    </tr>
  );
}

/** The last runs, oldest left: one mark each. */
export function Outcomes({ jobs }: { jobs: Job[] }) {
  const bad = jobs.filter((job) => outcomeTone(job.closeReason) === "bad").length;
  if (!jobs.length) return <span class="dim">–</span>;
  return (
    <span
      class="outcomes"
      role="img"
      aria-label={`of the last ${jobs.length} runs ${bad} went wrong`}
      title={`of the last ${jobs.length} runs ${bad} went wrong`}
    >
      {[...jobs].reverse().map((job) => (
        <i class={outcomeTone(job.closeReason)} />
      ))}
    </span>
  );
}

function First() {
  const here = location.origin;
  const project = session.value?.projects?.[0] ?? 123;
  return (
    <>
      <Heading title="No project yet" />
      <Empty title="A project begins with its first job">
        <p>
          Three commands, with the key that you logged in with in place of <code>KEY</code>. A project is a
          number that you choose.
        </p>
        <ol class="steps">
          <li>
            <p>Schedule a job:</p>
            <Command
              name="the curl line"
              text={`curl -u KEY: ${here}/api/run.json -d project=${project} -d spider=somespider`}
            />
          </li>
          <li>
            <p>In a Scrapy project, start a runner that takes it:</p>
            <Command
              name="the runner's line"
              text={`SPIDERQ_API_KEY=KEY spiderq runner --server ${here} --project ${project}`}
            />
          </li>
          <li>
            <p>Or use the official Python client:</p>
            <Command
              name="the Python lines"
              text={`client = ScrapinghubClient("KEY", endpoint="${here}", dash_endpoint="${here}/api/")\nclient.get_project(${project}).jobs.run("somespider")`}
            />
          </li>
        </ol>
        <p class="waiting" role="status">
          Waiting for the first job…
        </p>
      </Empty>
    </>
  );
}
