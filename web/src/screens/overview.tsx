// How a job goes: its timeline, its counters, how it compares, and what it was given.
import { type Job, JobState } from "../../gen/spiderq/v1/job_pb.ts";
import { type GetOutputStatsResponse, OutputKind } from "../../gen/spiderq/v1/job_output_service_pb.ts";
import { jobs, output } from "../api/client.ts";
import { allRunners } from "../api/runners.ts";
import { bytes, count, median, short } from "../format/number.ts";
import { duration, ms, now } from "../format/time.ts";
import { Args, JobTable, Tags } from "../job/columns.tsx";
import { isSecretName, json, runtimeOf, waitOf } from "../job/facts.ts";
import { href } from "../router.ts";
import { useInterval, useLoad } from "../ui/load.ts";
import { Card, Figure, Note } from "../ui/parts.tsx";
import { Spark } from "../ui/spark.tsx";
import { Text, When } from "../ui/text.tsx";
import { Trouble } from "./trouble.tsx";

const COMPARED = 10;
const SAMPLES = 200;

export function Overview({ job, stats }: { job: Job; stats: GetOutputStatsResponse | null }) {
  const running = job.state === JobState.RUNNING;
  const samples = useLoad((signal) => readSamples(job.key, signal), [job.key, job.attempt, job.state], true);
  useInterval(samples.reload, running ? 5_000 : 0);
  const before = useLoad(
    async (signal) => {
      const answer = await jobs.listJobs(
        {
          project: job.project,
          filter: {
            states: [JobState.FINISHED],
            spiders: [{ spider: { case: "id", value: job.spiderId } }],
            spiderArgs: job.spiderArgs,
          },
          pageSize: 50,
        },
        { signal },
      );
      const same = (other: Job) =>
        other.key !== job.key && Object.keys(other.spiderArgs).length === Object.keys(job.spiderArgs).length;
      return answer.jobs.filter(same).slice(0, COMPARED);
    },
    [job.key],
  );
  const length = running ? now.value - ms(job.runningTime) : runtimeOf(job);
  const rate = (value: bigint | undefined) =>
    value !== undefined && length > 1000 ? `${short((Number(value) / length) * 60_000)} a minute` : undefined;
  const old = before.value ?? [];
  const output = stats?.outputs ?? [];
  return (
    <div class="overview">
      <Trouble job={job} stats={stats} />
      {job.state === JobState.PENDING && <WaitsFor job={job} />}
      <dl class="figures">
        <Figure
          name="Items"
          value={count(job.counters?.items)}
          sub={
            <>
              {rate(job.counters?.items)}
              <Against
                mine={job.counters?.items}
                old={old.map((each) => each.counters?.items)}
                running={running}
              />
            </>
          }
        />
        <Figure
          name="Pages"
          value={count(job.counters?.pages)}
          sub={
            <>
              {rate(job.counters?.pages)}
              <Against
                mine={job.counters?.pages}
                old={old.map((each) => each.counters?.pages)}
                running={running}
              />
            </>
          }
        />
        <Figure
          name="Errors"
          value={count(job.counters?.errors)}
          tone={(job.counters?.errors ?? 0n) > 0n ? "bad" : ""}
          sub={
            (job.counters?.errors ?? 0n) > 0n ? (
              <a href={href(`/p/${job.key}/log?level=40`)}>show them</a>
            ) : undefined
          }
        />
        <Figure
          name="Run time"
          value={job.runningTime ? duration(length) : "–"}
          sub={
            <Against
              mine={running ? undefined : BigInt(Math.round(length))}
              old={old.map((each) => BigInt(runtimeOf(each)))}
              running={running}
            />
          }
        />
        <Figure name="Waited" value={job.pendingTime ? duration(waitOf(job, now.value)) : "–"} />
        <Figure
          name="Output"
          value={bytes(output.reduce((sum, each) => sum + each.bytes, 0n))}
          sub={`${count(output.find((each) => each.kind === OutputKind.LOGS)?.lines ?? 0n)} log lines`}
        />
      </dl>
      <div class="columns">
        <Card title="Timeline">
          <Timeline job={job} />
        </Card>
        <Card title="Given">
          <dl class="facts">
            <dt>Arguments</dt>
            <dd>
              {Object.keys(job.spiderArgs).length ? (
                <Args args={job.spiderArgs} />
              ) : job.cmdArgs ? (
                <code>
                  <Text of={job.cmdArgs} />
                </code>
              ) : (
                <span class="dim">none</span>
              )}
            </dd>
            <dt>Tags</dt>
            <dd>{job.tags.length ? <Tags tags={job.tags} /> : <span class="dim">none</span>}</dd>
            <dt>Priority</dt>
            <dd>
              {job.priority} <span class="dim">of 0 to 4</span>
            </dd>
            <dt>Units</dt>
            <dd>{job.units}</dd>
            {job.version && (
              <>
                <dt>Version</dt>
                <dd class="mono">
                  <Text of={job.version} max={80} />
                </dd>
              </>
            )}
            {Object.keys(job.environment).length > 0 && (
              <>
                <dt>Environment</dt>
                <dd>
                  <Args args={mask(job.environment)} />
                </dd>
              </>
            )}
            {job.jobSettingsJson && (
              <>
                <dt>Settings</dt>
                <dd>
                  <pre class="small" tabIndex={0}>
                    <Text of={pretty(job.jobSettingsJson)} />
                  </pre>
                </dd>
              </>
            )}
          </dl>
        </Card>
      </div>
      {(samples.value?.length ?? 0) > 1 && (
        <Card title="Over time">
          <Samples rows={samples.value!} />
        </Card>
      )}
      <Card
        title={`The last runs with the same arguments`}
        aside={<a href={href(`/p/${job.project}/${job.spiderId}`)}>All of the spider</a>}
      >
        {old.length ? (
          <JobTable
            jobs={old}
            columns={["status", "key", "items", "pages", "errors", "runtime", "time"]}
            caption="The last runs with the same arguments"
          />
        ) : (
          <p class="dim pad">This is the first one.</p>
        )}
      </Card>
    </div>
  );
}
const mask = (all: Record<string, string>) =>
  Object.fromEntries(Object.entries(all).map(([name, value]) => [name, isSecretName(name) ? "••••" : value]));
const pretty = (text: string) => {
  const value = json(text);
  return value === undefined ? text : JSON.stringify(value, null, 2);
};

/** How far a number is from the median of those before. */
function Against({
  mine,
  old,
  running,
}: {
  mine: bigint | undefined;
  old: (bigint | undefined)[];
  running: boolean;
}) {
  const known = old.filter((value): value is bigint => value !== undefined).map(Number);
  if (mine === undefined || known.length < 3 || running) return null;
  const usual = median(known);
  if (!usual) return null;
  const share = Math.round(((Number(mine) - usual) / usual) * 100);
  const far = Math.abs(share) >= 50;
  return (
    <span
      class={far ? "warn-text block" : "block"}
      title={`median of the last ${known.length}: ${count(usual)}`}
    >
      {far && "⚠ "}
      {share > 0 ? "+" : share < 0 ? "−" : "±"}
      {count(Math.abs(share))} % of usual
    </span>
  );
}

function Timeline({ job }: { job: Job }) {
  const lost =
    job.attempt > 1
      ? `attempt ${job.attempt}: ${job.attempt - 1} before it ${job.attempt === 2 ? "was" : "were"} lost or given back`
      : "";
  const steps: [string, number, string, string][] = [
    [
      "Scheduled",
      ms(job.pendingTime) || ms(job.runningTime),
      job.scheduledBy && `by ${job.scheduledBy}`,
      job.runningTime && job.pendingTime ? `waited ${duration(waitOf(job))}` : "",
    ],
    [
      "Started",
      ms(job.runningTime),
      [job.startedBy && `by ${job.startedBy}`, lost].filter(Boolean).join(", "),
      job.finishedTime ? `ran ${duration(runtimeOf(job))}` : "",
    ],
    [
      "Finished",
      ms(job.finishedTime),
      [job.closeReason || "no reason given", job.completedBy && `by ${job.completedBy}`]
        .filter(Boolean)
        .join(", "),
      "",
    ],
    ["Deleted", ms(job.deletedTime), job.deletedBy && `by ${job.deletedBy}`, ""],
  ];
  return (
    <ol class="timeline">
      {steps
        .filter(([, at]) => at > 0)
        .map(([name, at, who, then]) => (
          <li>
            <strong>{name}</strong> <When at={at} />{" "}
            {who && (
              <span class="soft">
                <Text of={who} max={200} />
              </span>
            )}
            {then && <small class="dim block">{then}</small>}
          </li>
        ))}
      {job.state === JobState.RUNNING && (
        <li class="now">
          <strong>Running</strong> for {duration(now.value - ms(job.runningTime))}
        </li>
      )}
      {job.state === JobState.PENDING && (
        <li class="now">
          <strong>Waiting</strong> for {duration(now.value - ms(job.pendingTime))}
        </li>
      )}
    </ol>
  );
}

function WaitsFor({ job }: { job: Job }) {
  const { value } = useLoad(
    (signal) => allRunners({ project: job.project }, signal),
    [job.key],
  );
  if (!value) return null;
  if (!value.length)
    return (
      <Note tone="warn">
        No registered runner takes jobs of project {String(job.project)}. Start one:{" "}
        <code>spiderq runner --project {String(job.project)}</code>
      </Note>
    );
  const most = Math.max(...value.map((runner) => runner.units));
  if (job.units > most)
    return (
      <Note tone="warn">
        The job needs {job.units} units, and the largest runner has {most}.
      </Note>
    );
  return null;
}

async function readSamples(key: string, signal: AbortSignal): Promise<number[][]> {
  const rows: number[][] = [];
  for await (const answer of output.readOutput(
    { key, kind: OutputKind.SAMPLES, tail: BigInt(SAMPLES) },
    { signal },
  ))
    for (const line of answer.lines) {
      const row = json(new TextDecoder().decode(line));
      if (Array.isArray(row) && row.every((value) => typeof value === "number")) rows.push(row as number[]);
    }
  return rows;
}
const NAMES = ["requests", "items", "log lines"];
function Samples({ rows }: { rows: number[][] }) {
  const wide = Math.min(...rows.map((row) => row.length), 4);
  return (
    <div class="sparks">
      {Array.from({ length: wide - 1 }, (_, at) => (
        <div>
          <span class="dim">{NAMES[at]}</span>
          <Spark
            label={`${NAMES[at]} over time`}
            values={rows.map((row) => row[at + 1]!)}
            width={280}
            height={48}
          />
          <b>{count(rows.at(-1)![at + 1]!)}</b>
        </div>
      ))}
    </div>
  );
}
