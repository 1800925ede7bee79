// Runners: who takes jobs, and how they are.
import { useState } from "preact/hooks";
import { allRunners } from "../api/runners.ts";
import { type Runner, RunnerState } from "../../gen/spiderq/v1/runner_service_pb.ts";
import { bytes, count } from "../format/number.ts";
import { ms, now } from "../format/time.ts";
import { href } from "../router.ts";
import { useInterval, useLoad } from "../ui/load.ts";
import { Command, Empty, Failure, Figure, Heading, Waiting } from "../ui/parts.tsx";
import { Badge } from "../ui/status.tsx";
import { Text, When } from "../ui/text.tsx";
import type { Tone } from "../job/facts.ts";

const STATES: Record<RunnerState, [string, Tone]> = {
  [RunnerState.UNSPECIFIED]: ["unknown", "off"],
  [RunnerState.ACTIVE]: ["takes jobs", "good"],
  [RunnerState.DRAINING]: ["draining", "warn"],
  [RunnerState.STOPPED]: ["stopped", "off"],
  [RunnerState.LOST]: ["lost", "bad"],
};
const EVERY = 5_000;

export function Runners() {
  const [gone, setGone] = useState(false);
  const { value, problem, reload } = useLoad(
    (signal) => allRunners({ showGone: gone }, signal),
    [gone],
    true,
  );
  useInterval(reload, EVERY);
  const active = value?.filter((runner) => runner.status?.state === RunnerState.ACTIVE) ?? [];
  const sum = (of: (runner: Runner) => number) => active.reduce((all, runner) => all + of(runner), 0);
  return (
    <>
      <Heading title="Runners">
        <label class="check">
          <input type="checkbox" checked={gone} onChange={(event) => setGone(event.currentTarget.checked)} />
          Also those that are gone
        </label>
      </Heading>
      {problem && <Failure problem={problem} retry={reload} />}
      {!value && !problem && <Waiting what="Loading the runners" />}
      {value && !value.length && (
        <Empty title="No runner">
          <p>
            A runner takes jobs and runs them. In a Scrapy project, with <code>spiderq</code> on the path and
            a key of role worker:
          </p>
          <Command
            name="the runner's line"
            text={`SPIDERQ_API_KEY=KEY spiderq runner --server ${location.origin} --project 123`}
          />
          <p class="waiting" role="status">
            Waiting for the first runner…
          </p>
        </Empty>
      )}
      {value && value.length > 0 && (
        <>
          <dl class="figures">
            <Figure name="Take jobs" value={count(active.length)} />
            <Figure name="Jobs" value={count(sum((runner) => runner.status?.runningJobs ?? 0))} />
            <Figure
              name="Units"
              value={`${sum((runner) => runner.status?.runningUnits ?? 0)} of ${sum((runner) => runner.units)}`}
            />
          </dl>
          <div class="scroll" tabIndex={0} role="region" aria-label="Runners">
            <table class="rows stack">
              <caption class="hidden">Runners</caption>
              <thead>
                <tr>
                  <th scope="col">State</th>
                  <th scope="col">Runner</th>
                  <th scope="col">Units</th>
                  <th scope="col" class="num">
                    Jobs
                  </th>
                  <th scope="col">Projects</th>
                  <th scope="col" class="wide">
                    Takes
                  </th>
                  <th scope="col" class="num mid">
                    Spiders
                  </th>
                  <th scope="col" class="num">
                    Free disk
                  </th>
                  <th scope="col" class="wide">
                    Version
                  </th>
                  <th scope="col" class="num">
                    Heard
                  </th>
                  <th scope="col" class="num">
                    Up since
                  </th>
                </tr>
              </thead>
              <tbody>
                {value.map((runner) => (
                  <Row key={runner.id} runner={runner} />
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
    </>
  );
}

function Row({ runner }: { runner: Runner }) {
  const status = runner.status;
  const [word, tone] = STATES[status?.state ?? RunnerState.UNSPECIFIED];
  const heard = ms(status?.reportTime);
  const late = now.value - heard > 60_000;
  const takes = [
    ...runner.onlySpiders.map((name) => `spider ${name}`),
    ...runner.hasTags.map((tag) => `tag ${tag}`),
    ...runner.lacksTags.map((tag) => `not ${tag}`),
  ];
  const used = status?.runningUnits ?? 0;
  return (
    <tr>
      <td>
        <Badge tone={tone} word={word} />
      </td>
      <th scope="row">
        <Text of={runner.name} max={80} />
      </th>
      <td class="nowrap">
        <meter
          min={0}
          max={runner.units || 1}
          value={used}
          aria-label={`${used} of ${runner.units} units used`}
        />{" "}
        {used}/{runner.units}
      </td>
      <td class="num" data-label="jobs">
        {status?.runningJobs ?? 0}
      </td>
      <td data-label="projects">
        {runner.projects.slice(0, 8).map((project) => (
          <>
            <a href={href(`/p/${project}`)}>{String(project)}</a>{" "}
          </>
        ))}
        {runner.projects.length > 8 && `+${runner.projects.length - 8}`}
      </td>
      <td class="wide" data-label="takes">
        <Text of={takes.join(", ") || "all"} max={120} />
      </td>
      <td class="num mid" data-label="spiders" title={runner.spiders?.names.slice(0, 50).join(", ")}>
        {runner.spiders ? count(runner.spiders.names.length) : "–"}
      </td>
      <td class="num nowrap" data-label="free">
        {status?.freeDiskBytes === undefined ? "–" : bytes(status.freeDiskBytes)}
      </td>
      <td class="mono wide" data-label="version">
        <Text of={runner.version} max={20} />
      </td>
      <td class={`num ${late ? "warn-text" : ""}`} data-label="heard">
        <When at={heard} />
      </td>
      <td class="num" data-label="up since">
        <When at={ms(runner.startTime)} />
      </td>
    </tr>
  );
}
