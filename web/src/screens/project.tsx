// A project as its people know it: next, running and completed jobs, and how it went.
import { useEffect } from "preact/hooks";
import { type Job, JobState } from "../../gen/spiderq/v1/job_pb.ts";
import { projects, queue } from "../api/client.ts";
import { allRunners } from "../api/runners.ts";
import { mayChange } from "../api/session.ts";
import { count, short } from "../format/number.ts";
import { JobTable } from "../job/columns.tsx";
import { jobPath, json } from "../job/facts.ts";
import { readHistory } from "../job/history.ts";
import { counted } from "../job/list.ts";
import { subscribe } from "../live/live.ts";
import { go, href } from "../router.ts";
import { Icon } from "../ui/icon.tsx";
import { useKeys } from "../ui/keys.ts";
import { useInterval, useLoad } from "../ui/load.ts";
import { Card, Command, Empty, Failure, Heading, Waiting } from "../ui/parts.tsx";
import { useRows } from "../ui/rows.ts";
import { Text } from "../ui/text.tsx";
import { Charts, Numbers, range, Warnings } from "./history.tsx";
import { Scatter } from "./scatter.tsx";

const SHOWN = 12;
/** Events are gathered for so long before the lists are read again, ms. */
const GATHER = 250;

export function Project({ project }: { project: number }) {
  const id = BigInt(project);
  const now = useLoad(
    async (signal) => {
      const [lists, sums, settings] = await Promise.all([
        queue.summarizeQueue({ project: id, jobsPerState: SHOWN, metadataFields: ["runner"] }, { signal }),
        projects.summarizeProjects({ projects: [id] }, { signal }),
        projects.getProjectSettings({ project: id }, { signal }),
      ]);
      const of = (state: JobState) => lists.states.find((each) => each.state === state);
      const name = json(settings.settingsJson.name);
      return {
        pending: of(JobState.PENDING),
        running: of(JobState.RUNNING),
        finished: of(JobState.FINISHED),
        sum: sums.summaries[0],
        name: typeof name === "string" ? name : "",
      };
    },
    [project],
  );
  const taking = useLoad(
    (signal) => allRunners({ project: id }, signal),
    [project],
  );
  const history = useLoad(
    (signal) => readHistory(project, range.value, signal),
    [project, range.value],
    true,
  );
  useInterval(now.reload, 30_000);
  useInterval(history.reload, 60_000);
  useEffect(() => {
    let waiting = 0;
    const again = () => {
      waiting ||= window.setTimeout(() => {
        waiting = 0;
        now.reload();
      }, GATHER);
    };
    const leave = subscribe((events) => {
      const quiet = events.every(({ event }) => event.case === "progress");
      if (quiet)
        now.set((value) => {
          const fresh = new Map(
            events.map(({ job, event }) => [
              job?.key,
              event.case === "progress" ? event.value.counters : undefined,
            ]),
          );
          if (value.running)
            value.running.jobs = value.running.jobs.map((job) =>
              fresh.get(job.key) ? counted(job, fresh.get(job.key)) : job,
            );
          return { ...value };
        });
      else again();
    }, again);
    return () => {
      leave();
      clearTimeout(waiting);
    };
  }, [project]);

  const value = now.value;
  const shown: Job[] = value
    ? [...(value.pending?.jobs ?? []), ...(value.running?.jobs ?? []), ...(value.finished?.jobs ?? [])]
    : [];
  const rows = useRows(shown.length);
  useKeys([
    ...rows.keys,
    {
      keys: "Enter",
      what: "Open the job",
      act: () => {
        const job = shown[rows.at];
        if (job) go(jobPath(job.key));
      },
    },
    { keys: "/", what: "Search jobs", act: () => go(`/p/${project}/jobs`) },
  ]);
  const [pending, running, finished] = [
    Number(value?.pending?.count ?? 0n),
    Number(value?.running?.count ?? 0n),
    Number(value?.finished?.count ?? 0n),
  ];
  const lists: [string, string, number, Job[], string[]][] = [
    [
      "Next",
      "pending",
      pending,
      value?.pending?.jobs ?? [],
      ["key", "spider", "args", "priority", "units", "wait", "by"],
    ],
    [
      "Running",
      "running",
      running,
      value?.running?.jobs ?? [],
      ["key", "spider", "args", "items", "pages", "errors", "runtime", "runner"],
    ],
    [
      "Completed",
      "finished",
      finished,
      value?.finished?.jobs ?? [],
      ["status", "key", "spider", "args", "items", "pages", "errors", "runtime", "time"],
    ],
  ];
  let first = 0;
  return (
    <>
      <Heading
        crumbs={[["/", "Projects"]]}
        title={
          <>
            {value?.name ? <Text of={value.name} max={80} /> : `Project ${project}`}
            {value?.name && <span class="mono soft"> {project}</span>}
          </>
        }
      >
        <a class="button" href={href(`/p/${project}/jobs`)}>
          <Icon name="list" />
          All jobs
        </a>
        {mayChange.value && (
          <a class="button primary" href={href(`/p/${project}/schedule`)}>
            <Icon name="plus" />
            Schedule
          </a>
        )}
      </Heading>
      {now.problem && <Failure problem={now.problem} retry={now.reload} />}
      {!value && !now.problem && <Waiting what="Loading the project" />}
      {value && (
        <Warnings
          project={project}
          pending={value.pending?.jobs ?? []}
          waiting={pending}
          full={value.sum ? !value.sum.hasCapacity : false}
          runners={taking.value}
          history={history.value}
        />
      )}
      {value && pending + running + finished === 0 && (
        <Empty title="No jobs yet">
          <Command
            name="the curl line"
            text={`curl -u KEY: ${location.origin}/api/run.json -d project=${project} -d spider=somespider`}
          />
          <p class="waiting" role="status">
            Waiting for the first job…
          </p>
        </Empty>
      )}
      {value && pending + running + finished > 0 && (
        <>
          <Numbers
            pending={pending}
            running={running}
            units={Number(value.sum?.runningUnits ?? 0n)}
            capacity={taking.value?.reduce((sum, runner) => sum + runner.units, 0)}
            history={history.value}
          />
          <div class="beside">
            <div>
          {lists.map(([title, state, total, jobs, columns]) => {
            const from = first;
            first += jobs.length;
            return (
              <Card
                title={
                  <>
                    {title} <span class="soft">{count(total)}</span>
                  </>
                }
                aside={
                  total > jobs.length ? (
                    <a href={href(`/p/${project}/jobs?q=state%3A${state}`)}>All {short(total)}</a>
                  ) : undefined
                }
              >
                {jobs.length ? (
                  <JobTable
                    jobs={jobs}
                    columns={columns}
                    caption={`${title} jobs`}
                    at={rows.at}
                    first={from}
                  />
                ) : (
                  <p class="dim pad">
                    {state === "pending"
                      ? "Nothing waits."
                      : state === "running"
                        ? "Nothing runs."
                        : "Nothing has ended yet."}
                  </p>
                )}
              </Card>
            );
          })}
            </div>
            <div>
          <Charts history={history.value} problem={history.problem} />
          {history.value && history.value.jobs.some((job) => job.state === JobState.FINISHED) && (
            <Scatter
              project={project}
              jobs={history.value.jobs.filter((job) => job.state === JobState.FINISHED)}
              weights={history.value.weights}
            />
          )}
            </div>
          </div>
        </>
      )}
    </>
  );
}
