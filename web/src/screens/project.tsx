// A project as its people know it: next, running and completed jobs, and how it went.
import { useEffect } from "preact/hooks";
import { type Job, JobState } from "../../gen/spiderq/v1/job_pb.ts";
import { projects, queue, runners } from "../api/client.ts";
import { mayChange } from "../api/session.ts";
import { count, plural, short } from "../format/number.ts";
import { duration, ms, serverNow } from "../format/time.ts";
import { JobTable } from "../job/columns.tsx";
import { jobPath, json } from "../job/facts.ts";
import { chartsOf, type History, MOST, type Range, RANGES, readHistory } from "../job/history.ts";
import { subscribe } from "../live/live.ts";
import { preference } from "../preference.ts";
import { go, href } from "../router.ts";
import { Chart } from "../ui/chart.tsx";
import { Icon } from "../ui/icon.tsx";
import { useKeys } from "../ui/keys.ts";
import { useInterval, useLoad } from "../ui/load.ts";
import { Card, Command, Empty, Failure, Figure, Heading, Note, Waiting } from "../ui/parts.tsx";
import { useRows } from "../ui/rows.ts";
import { Text } from "../ui/text.tsx";
import { Scatter } from "./scatter.tsx";

const SHOWN = 12;
/** Events are gathered for so long before the lists are read again, ms. */
const GATHER = 250;
const range = preference<Range>("range", "24h", Object.keys(RANGES) as Range[]);

export function Project({ project }: { project: number }) {
  const id = BigInt(project);
  const now = useLoad(async (signal) => {
    const [lists, sums, settings] = await Promise.all([queue.summarizeQueue({ project: id, jobsPerState: SHOWN }, { signal }), projects.summarizeProjects({ projects: [id] }, { signal }), projects.getProjectSettings({ project: id }, { signal })]);
    const of = (state: JobState) => lists.states.find((each) => each.state === state);
    const name = json(settings.settingsJson.name);
    return { pending: of(JobState.PENDING), running: of(JobState.RUNNING), finished: of(JobState.FINISHED), sum: sums.summaries[0], name: typeof name === "string" ? name : "" };
  }, [project]);
  const taking = useLoad((signal) => runners.listRunners({ project: id }, { signal }).then((answer) => answer.runners), [project]);
  const history = useLoad((signal) => readHistory(project, range.value, signal), [project, range.value], true);
  useInterval(now.reload, 30_000);
  useInterval(history.reload, 60_000);
  useEffect(() => {
    let waiting = 0;
    const leave = subscribe((events) => {
      const quiet = events.every((event) => (event.event.case as string) === "progress");
      if (quiet) now.set((value) => {
        const fresh = new Map(events.map((event) => [event.job?.key, event.job]));
        if (value.running) value.running.jobs = value.running.jobs.map((job) => fresh.get(job.key) ?? job);
        return { ...value };
      });
      else waiting ||= window.setTimeout(() => { waiting = 0; now.reload(); }, GATHER);
    });
    return () => { leave(); clearTimeout(waiting); };
  }, [project]);

  const value = now.value;
  const shown: Job[] = value ? [...(value.pending?.jobs ?? []), ...(value.running?.jobs ?? []), ...(value.finished?.jobs ?? [])] : [];
  const rows = useRows(shown.length);
  useKeys([...rows.keys, { keys: "Enter", what: "Open the job", act: () => { const job = shown[rows.at]; if (job) go(jobPath(job.key)); } }, { keys: "/", what: "Search jobs", act: () => go(`/p/${project}/jobs`) }]);
  const [pending, running, finished] = [Number(value?.pending?.count ?? 0n), Number(value?.running?.count ?? 0n), Number(value?.finished?.count ?? 0n)];
  const lists: [string, string, number, Job[], string[]][] = [
    ["Next", "pending", pending, value?.pending?.jobs ?? [], ["key", "spider", "args", "priority", "units", "wait", "by"]],
    ["Running", "running", running, value?.running?.jobs ?? [], ["key", "spider", "args", "items", "pages", "errors", "runtime", "runner"]],
    ["Completed", "finished", finished, value?.finished?.jobs ?? [], ["status", "key", "spider", "args", "items", "pages", "errors", "runtime", "time"]],
  ];
  let first = 0;
  return (
    <>
      <Heading crumbs={[["/", "Projects"]]} title={<>{value?.name ? <Text of={value.name} max={80} /> : `Project ${project}`}{value?.name && <span class="mono soft"> {project}</span>}</>}>
        <a class="button" href={href(`/p/${project}/jobs`)}><Icon name="list" />All jobs</a>
        {mayChange.value && <a class="button primary" href={href(`/p/${project}/schedule`)}><Icon name="plus" />Schedule</a>}
      </Heading>
      {now.problem && <Failure problem={now.problem} retry={now.reload} />}
      {!value && !now.problem && <Waiting what="Loading the project" />}
      {value && <Warnings project={project} pending={value.pending?.jobs ?? []} waiting={pending} full={value.sum ? !value.sum.hasCapacity : false} runners={taking.value} history={history.value} />}
      {value && pending + running + finished === 0 && <Empty title="No jobs yet"><Command name="the curl line" text={`curl -u KEY: ${location.origin}/api/run.json -d project=${project} -d spider=somespider`} /><p class="waiting" role="status">Waiting for the first job…</p></Empty>}
      {value && pending + running + finished > 0 && <>
        <Numbers pending={pending} running={running} units={Number(value.sum?.runningUnits ?? 0n)} capacity={taking.value?.reduce((sum, runner) => sum + runner.units, 0)} history={history.value} />
        {lists.map(([title, state, total, jobs, columns]) => {
          const from = first;
          first += jobs.length;
          return (
            <Card title={<>{title} <span class="soft">{count(total)}</span></>} aside={total > jobs.length ? <a href={href(`/p/${project}/jobs?q=state%3A${state}`)}>All {short(total)}</a> : undefined}>
              {jobs.length ? <JobTable jobs={jobs} columns={columns} caption={`${title} jobs`} at={rows.at} first={from} /> : <p class="dim pad">{state === "pending" ? "Nothing waits." : state === "running" ? "Nothing runs." : "Nothing has ended yet."}</p>}
            </Card>
          );
        })}
        <Charts history={history.value} problem={history.problem} />
        {history.value && history.value.jobs.some((job) => job.state === JobState.FINISHED) && <Scatter project={project} jobs={history.value.jobs.filter((job) => job.state === JobState.FINISHED)} />}
      </>}
    </>
  );
}

function Numbers({ pending, running, units, capacity, history }: { pending: number; running: number; units: number; capacity: number | undefined; history: History | undefined }) {
  const ended = history?.jobs.filter((job) => job.state === JobState.FINISHED) ?? [];
  const charts = history && chartsOf(history, serverNow());
  const bad = charts ? charts.bad.reduce((sum, n) => sum + n, 0) : 0;
  const items = ended.reduce((sum, job) => sum + Number(job.counters?.items ?? 0n), 0);
  return (
    <dl class="figures">
      <Figure name="Waiting" value={count(pending)} />
      <Figure name="Running" value={count(running)} sub={capacity ? `${units} of ${capacity} units` : `${plural(units, "unit")}`} />
      <Figure name={`Ended, ${range.value}`} value={history ? `${count(ended.length)}${history.cut ? "+" : ""}` : "…"} />
      <Figure name="Went wrong" value={history ? count(bad) : "…"} tone={bad ? "bad" : ""} sub={ended.length ? `${((bad / ended.length) * 100).toFixed(1)} %` : undefined} />
      <Figure name="Items" value={history ? short(items) : "…"} />
    </dl>
  );
}

function Warnings({ project, pending, waiting, full, runners, history }: { project: number; pending: Job[]; waiting: number; full: boolean; runners: { units: number }[] | undefined; history: History | undefined }) {
  const lost = history?.jobs.filter((job) => job.closeReason === "lost" && ms(job.finishedTime) > serverNow() - 36e5).length ?? 0;
  const most = Math.max(0, ...(runners ?? []).map((runner) => runner.units));
  const large = pending.find((job) => runners?.length && job.units > most);
  return <>
    {runners && !runners.length && waiting > 0 && <Note tone="warn"><strong>{plural(waiting, "job")} wait{waiting === 1 ? "s" : ""}, and no registered runner takes project {project}.</strong> Start one where the spiders are: <code>spiderq runner --project {project}</code></Note>}
    {large && <Note tone="warn"><a href={href(jobPath(large.key))}>Job {large.key}</a> needs {large.units} units; the largest runner has {most}. Lower its units, or start a runner with <code>--units {large.units}</code>.</Note>}
    {full && waiting > 0 && <Note>The project runs as many jobs as its settings allow. <a href={href(`/p/${project}/settings`)}>Change max_running</a></Note>}
    {lost > 0 && <Note tone="warn">{plural(lost, "job")} {lost === 1 ? "was" : "were"} lost in the last hour: their runners went away. <a href={href(`/p/${project}/jobs?q=${encodeURIComponent("outcome:lost since:1h")}`)}>Show them</a></Note>}
  </>;
}

function Charts({ history, problem }: { history: History | undefined; problem: Parameters<typeof Failure>[0]["problem"] | undefined }) {
  const aside = <div class="tabs small" role="group" aria-label="Time">{(Object.keys(RANGES) as Range[]).map((each) => <button type="button" aria-pressed={each === range.value} onClick={() => (range.value = each)}>{each}</button>)}</div>;
  if (!history) return <Card title="History" aside={aside}>{problem ? <Failure problem={problem} /> : <Waiting what="Reading the history" />}</Card>;
  const charts = chartsOf(history, serverNow());
  const common = { from: history.from, step: history.step };
  const whole = (n: number) => (n && n < 1 ? n.toFixed(1) : short(Math.round(n)));
  return (
    <Card title="History" aside={aside}>
      {history.cut && <p class="dim pad">From the latest {count(MOST)} jobs of this time; there are more. A shorter time shows all.</p>}
      <div class="charts">
        <Chart title="Ended" kind="bars" {...common} format={whole} series={[{ name: "good", tone: "good", values: charts.good }, { name: "stopped", tone: "warn", values: charts.warn }, { name: "went wrong", tone: "bad", values: charts.bad }]} />
        <Chart title="Queue" kind="lines" {...common} format={whole} series={[{ name: "waiting", tone: "wait", values: charts.depth }, { name: "running", tone: "run", values: charts.running }]} />
        <Chart title="Wait" kind="lines" {...common} format={duration} series={[{ name: "p50", tone: "run", values: charts.wait50 }, { name: "p95", tone: "warn", values: charts.wait95 }]} />
        <Chart title="Run time" kind="lines" {...common} format={duration} series={[{ name: "p50", tone: "run", values: charts.run50 }, { name: "p95", tone: "warn", values: charts.run95 }]} />
      </div>
    </Card>
  );
}
