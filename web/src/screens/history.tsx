// How a project went: numbers, warnings and charts of some time.
import type { Job } from "../../gen/spiderq/v1/job_pb.ts";
import { count, plural, short } from "../format/number.ts";
import { duration, ms, serverNow } from "../format/time.ts";
import { jobPath } from "../job/facts.ts";
import { type History, isSample, type Range, RANGES } from "../job/history.ts";
import { preference } from "../preference.ts";
import { href } from "../router.ts";
import { Chart } from "../ui/chart.tsx";
import { Card, Failure, Figure, Note, Waiting } from "../ui/parts.tsx";

/** The time that numbers and charts are of. */
export const range = preference<Range>("range", "24h", Object.keys(RANGES) as Range[]);

export function Numbers({
  pending,
  running,
  units,
  capacity,
  history,
}: {
  pending: number;
  running: number;
  units: number;
  capacity: number | undefined;
  history: History | undefined;
}) {
  const sum = (values: number[] | undefined) => Math.round(values?.reduce((all, n) => all + n, 0) ?? 0);
  const bad = sum(history?.charts.bad);
  const ended = sum(history?.charts.good) + sum(history?.charts.warn) + bad;
  const items = sum(
    history?.jobs.map((job) => Number(job.counters?.items ?? 0n) * (history.weights.get(job) ?? 1)),
  );
  const about = history && isSample(history) ? "≈ " : "";
  return (
    <dl class="figures">
      <Figure name="Waiting" value={count(pending)} />
      <Figure
        name="Running"
        value={count(running)}
        sub={capacity ? `${units} of ${capacity} units` : `${plural(units, "unit")}`}
      />
      <Figure
        name={`Ended, ${range.value}`}
        value={history ? about + count(ended) : "…"}
      />
      <Figure
        name="Went wrong"
        value={history ? about + count(bad) : "…"}
        tone={bad ? "bad" : ""}
        sub={ended ? `${((bad / ended) * 100).toFixed(1)} %` : undefined}
      />
      <Figure name="Items" value={history ? about + short(items) : "…"} />
    </dl>
  );
}

export function Warnings({
  project,
  pending,
  waiting,
  full,
  runners,
  history,
}: {
  project: number;
  pending: Job[];
  waiting: number;
  full: boolean;
  runners: { units: number }[] | undefined;
  history: History | undefined;
}) {
  const lost =
    history?.jobs.filter((job) => job.closeReason === "lost" && ms(job.finishedTime) > serverNow() - 36e5)
      .length ?? 0;
  const most = Math.max(0, ...(runners ?? []).map((runner) => runner.units));
  const large = pending.find((job) => runners?.length && job.units > most);
  return (
    <>
      {runners && !runners.length && waiting > 0 && (
        <Note tone="warn">
          <strong>
            {plural(waiting, "job")} wait{waiting === 1 ? "s" : ""}, and no registered runner takes project{" "}
            {project}.
          </strong>{" "}
          Start one where the spiders are: <code>spiderq runner --project {project}</code>
        </Note>
      )}
      {large && (
        <Note tone="warn">
          <a href={href(jobPath(large.key))}>Job {large.key}</a> needs {large.units} units; the largest runner
          has {most}. Lower its units, or start a runner with <code>--units {large.units}</code>.
        </Note>
      )}
      {full && waiting > 0 && (
        <Note>
          The project runs as many jobs as its settings allow.{" "}
          <a href={href(`/p/${project}/settings`)}>Change max_running</a>
        </Note>
      )}
      {lost > 0 && (
        <Note tone="warn">
          {plural(lost, "job")} {lost === 1 ? "was" : "were"} lost in the last hour: their runners went away.{" "}
          <a href={href(`/p/${project}/jobs?q=${encodeURIComponent("outcome:lost since:1h")}`)}>Show them</a>
        </Note>
      )}
    </>
  );
}

export function Charts({
  history,
  problem,
}: {
  history: History | undefined;
  problem: Parameters<typeof Failure>[0]["problem"] | undefined;
}) {
  const aside = (
    <div class="tabs small" role="group" aria-label="Time">
      {(Object.keys(RANGES) as Range[]).map((each) => (
        <button type="button" aria-pressed={each === range.value} onClick={() => (range.value = each)}>
          {each}
        </button>
      ))}
    </div>
  );
  if (!history)
    return (
      <Card title="History" aside={aside}>
        {problem ? <Failure problem={problem} /> : <Waiting what="Reading the history" />}
      </Card>
    );
  const { charts } = history;
  const common = { from: history.from, step: history.step };
  const whole = (n: number) => (n && n < 1 ? n.toFixed(1) : short(Math.round(n)));
  return (
    <Card title="History" aside={aside}>
      {isSample(history) && (
        <p class="dim pad" role="status">
          A sample: {count(history.jobs.length)} jobs stand for about{" "}
          {count(Math.round([...history.weights.values()].reduce((all, n) => all + n, 0)))} of this time. How many
          ended is counted; outcomes, waits and run times are of the sample.
        </p>
      )}
      <div class="charts">
        <Chart
          title="Ended"
          kind="bars"
          {...common}
          format={whole}
          series={[
            { name: "good", tone: "good", values: charts.good },
            { name: "stopped", tone: "warn", values: charts.warn },
            { name: "went wrong", tone: "bad", values: charts.bad },
          ]}
        />
        <Chart
          title="Queue"
          kind="lines"
          {...common}
          format={whole}
          series={[
            { name: "waiting", tone: "wait", values: charts.depth },
            { name: "running", tone: "run", values: charts.running },
          ]}
        />
        <Chart
          title="Wait"
          kind="lines"
          {...common}
          format={duration}
          series={[
            { name: "p50", tone: "run", values: charts.wait50 },
            { name: "p95", tone: "warn", values: charts.wait95 },
          ]}
        />
        <Chart
          title="Run time"
          kind="lines"
          {...common}
          format={duration}
          series={[
            { name: "p50", tone: "run", values: charts.run50 },
            { name: "p95", tone: "warn", values: charts.run95 },
          ]}
        />
      </div>
    </Card>
  );
}
