// Spiders by what their jobs fetched and scraped: one circle each, as large as it ran long.
import type { Job } from "../../gen/spiderq/v1/job_pb.ts";
import { count, short } from "../format/number.ts";
import { duration } from "../format/time.ts";
import { outcomeTone, runtimeOf } from "../job/facts.ts";
import { href } from "../router.ts";
import { Card } from "../ui/parts.tsx";
import { Text, visible } from "../ui/text.tsx";
import { useWidth } from "../ui/width.ts";

const [H, PAD] = [280, 44];
const SHOWN = 200;

export function Scatter({
  project,
  jobs,
  weights,
}: {
  project: number;
  jobs: Job[];
  weights: Map<Job, number>;
}) {
  const { box, width: W } = useWidth(900);
  const spiders = new Map<
    string,
    { id: bigint; name: string; runs: number; bad: number; pages: number; items: number; time: number }
  >();
  for (const job of jobs) {
    const one = spiders.get(job.spiderName) ?? {
      id: job.spiderId,
      name: job.spiderName,
      runs: 0,
      bad: 0,
      pages: 0,
      items: 0,
      time: 0,
    };
    const weight = weights.get(job) ?? 1;
    one.runs += weight;
    one.bad += outcomeTone(job.closeReason) === "bad" ? weight : 0;
    one.pages += Number(job.counters?.pages ?? 0n) * weight;
    one.items += Number(job.counters?.items ?? 0n) * weight;
    one.time += runtimeOf(job) * weight;
    spiders.set(job.spiderName, one);
  }
  const all = [...spiders.values()].sort((a, b) => b.time - a.time).slice(0, SHOWN);
  const whole = (n: number) => count(Math.round(n));
  const log = (n: number) => Math.log10(n + 1);
  const [mostPages, mostItems, mostTime] = [
    Math.max(1, ...all.map((one) => log(one.pages))),
    Math.max(1, ...all.map((one) => log(one.items))),
    Math.max(1, ...all.map((one) => one.time)),
  ];
  const x = (pages: number) => PAD + (log(pages) / mostPages) * (W - PAD * 1.5);
  const y = (items: number) => H - 30 - (log(items) / mostItems) * (H - 60);
  const ticks = (most: number) =>
    Array.from({ length: Math.floor(most) + 1 }, (_, power) => 10 ** power - (power ? 0 : 1)).filter(
      (_, at, values) => at % Math.ceil(values.length / (W < 500 ? 3 : 6)) === 0,
    );
  const tone = (one: { runs: number; bad: number }) =>
    one.bad === 0 ? "good" : one.bad * 2 >= one.runs ? "bad" : "warn";
  return (
    <Card title="Spiders" aside={<span class="dim">pages across, items up, size by run time</span>}>
      <figure ref={box}>
      <svg class="scatter" viewBox={`0 0 ${W} ${H}`} role="group" aria-label="Spiders by pages and items">
        {ticks(mostItems).map((n) => (
          <g>
            <line class="grid" x1={PAD} x2={W} y1={y(n)} y2={y(n)} />
            <text x={PAD - 6} y={y(n) + 4} text-anchor="end">
              {short(n)}
            </text>
          </g>
        ))}
        {ticks(mostPages).map((n) => (
          <text x={x(n)} y={H - 8} text-anchor="middle">
            {short(n)}
          </text>
        ))}
        {all.map((one) => (
          <a href={href(`/p/${project}/${one.id}`)} tabIndex={-1} aria-label={visible(one.name)}>
            <title>{`${visible(one.name)}: ${whole(one.runs)} runs, ${whole(one.bad)} went wrong, ${whole(one.pages)} pages, ${whole(one.items)} items, ${duration(one.time)}`}</title>
            <circle
              class={tone(one)}
              cx={x(one.pages)}
              cy={y(one.items)}
              r={6 + 16 * Math.sqrt(one.time / mostTime)}
            />
            <text
              class="name"
              x={x(one.pages)}
              y={y(one.items) - 10 - 16 * Math.sqrt(one.time / mostTime)}
              text-anchor="middle"
            >
              {all.length <= W / 60 ? visible(one.name).slice(0, 24) : ""}
            </text>
          </a>
        ))}
      </svg>
      </figure>
      <details>
        <summary>As a table</summary>
        <div class="scroll" tabIndex={0} role="region" aria-label="Spiders as a table">
          <table class="rows stack">
            <thead>
              <tr>
                <th scope="col">Spider</th>
                <th scope="col" class="num">
                  Runs
                </th>
                <th scope="col" class="num">
                  Went wrong
                </th>
                <th scope="col" class="num">
                  Pages
                </th>
                <th scope="col" class="num">
                  Items
                </th>
                <th scope="col" class="num">
                  Run time
                </th>
              </tr>
            </thead>
            <tbody>
              {all.map((one) => (
                <tr>
                  <th scope="row">
                    <a href={href(`/p/${project}/${one.id}`)}>
                      <Text of={one.name} max={80} />
                    </a>
                  </th>
                  <td class="num" data-label="runs">{whole(one.runs)}</td>
                  <td class="num" data-label="went wrong">{whole(one.bad)}</td>
                  <td class="num" data-label="pages">{whole(one.pages)}</td>
                  <td class="num" data-label="items">{whole(one.items)}</td>
                  <td class="num" data-label="run time">{duration(one.time)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </Card>
  );
}
