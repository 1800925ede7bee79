// All projects at a glance; without any, how the first job comes.
import { projects, queue, runners } from "../api/client.ts";
import { session } from "../api/session.ts";
import { count, plural } from "../format/number.ts";
import { ms } from "../format/time.ts";
import { href } from "../router.ts";
import { useLoad, useInterval } from "../ui/load.ts";
import { Command, Empty, Failure, Heading, Waiting } from "../ui/parts.tsx";
import { StatusBadge } from "../ui/status.tsx";
import { Text, When } from "../ui/text.tsx";
import { useKeys } from "../ui/keys.ts";
import { useRows } from "../ui/rows.ts";
import { go } from "../router.ts";
import { json, outcomeTone, shortKey } from "../job/facts.ts";
import type { Job } from "../../gen/spiderq/v1/job_pb.ts";

/** Of so many projects the names and last jobs are asked for. */
const DETAILED = 100;
interface Row {
  id: number;
  pending: number;
  running: number;
  finished: number;
  full: boolean;
  name: string;
  last: Job[];
  runners: number;
  oldest: number;
}

async function load(signal: AbortSignal): Promise<Row[]> {
  const [listed, summed, taking] = await Promise.all([
    projects.listProjects({}, { signal }),
    projects.summarizeProjects({}, { signal }),
    runners.listRunners({}, { signal }),
  ]);
  const sums = new Map(summed.summaries.map((sum) => [sum.project, sum]));
  const rows = await Promise.all(
    listed.projects.map(async ({ id }, at): Promise<Row> => {
      const sum = sums.get(id);
      const row: Row = {
        id: Number(id),
        pending: Number(sum?.pending ?? 0),
        running: Number(sum?.running ?? 0),
        finished: Number(sum?.finished ?? 0),
        full: sum ? !sum.hasCapacity : false,
        name: "",
        last: [],
        oldest: 0,
        runners: taking.runners.filter((runner) => runner.projects.includes(id)).length,
      };
      if (at >= DETAILED) return row;
      const [settings, latest] = await Promise.all([
        projects.getProjectSettings({ project: id }, { signal }),
        queue.summarizeQueue({ project: id, jobsPerState: 20 }, { signal }),
      ]);
      const name = json(settings.settingsJson.name);
      row.name = typeof name === "string" ? name : "";
      row.last = latest.states[2]?.jobs ?? [];
      row.oldest = Math.min(...(latest.states[0]?.jobs ?? []).map((job) => ms(job.pendingTime)));
      return row;
    }),
  );
  return rows;
}

export function Projects() {
  const { value, problem, reload } = useLoad(load, []);
  useInterval(reload, value?.length ? 15_000 : 2_000);
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
        <table class="rows">
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
              <th scope="col">Last runs</th>
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
              <tr class={at === rows.at ? "at" : ""}>
                <th scope="row" class="name">
                  <a href={href(`/p/${row.id}`)}>
                    {row.name ? <Text of={row.name} max={60} /> : `Project ${row.id}`}
                  </a>
                  {row.name && <small class="dim"> {row.id}</small>}
                </th>
                <td class="num">
                  <a class={row.pending ? "" : "zero"} href={href(`/p/${row.id}/jobs?q=state%3Apending`)}>
                    {count(row.pending)}
                  </a>
                  {row.oldest < Infinity && row.oldest > 0 && (
                    <small class="dim block">
                      since <When at={row.oldest} />
                    </small>
                  )}
                </td>
                <td class="num">
                  <a class={row.running ? "" : "zero"} href={href(`/p/${row.id}/jobs?q=state%3Arunning`)}>
                    {count(row.running)}
                  </a>
                  {row.full && <small class="block">at its limit</small>}
                </td>
                <td class="num">
                  <a class={row.finished ? "" : "zero"} href={href(`/p/${row.id}/jobs?q=state%3Afinished`)}>
                    {count(row.finished)}
                  </a>
                </td>
                <td>
                  <Outcomes jobs={row.last} />
                </td>
                <td class="wide">
                  {row.last[0] ? (
                    <span class="inline">
                      <a href={href(`/p/${row.last[0].key}`)}>{shortKey(row.last[0].key)}</a>{" "}
                      <StatusBadge job={row.last[0]} />{" "}
                      <small class="dim">
                        <When at={ms(row.last[0].stateTime)} />
                      </small>
                    </span>
                  ) : (
                    <span class="dim">none yet</span>
                  )}
                </td>
                <td class="num wide">
                  {row.runners || (
                    <span class={row.pending ? "warn-text" : "dim"}>{row.pending ? "none" : "0"}</span>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
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
