// Charts over time: stacked bars or lines in buckets, with the values under the pointer, and the same as a table.
import { useState } from "preact/hooks";
import { exact, timeMode } from "../format/time.ts";
import { useWidth } from "./width.ts";

export interface Series {
  name: string;
  tone: string;
  values: (number | null)[];
}
const [H, LEFT, BOTTOM, TOP] = [150, 44, 18, 8];

export function Chart({
  title,
  from,
  step,
  series,
  kind,
  format,
}: {
  title: string;
  from: number;
  step: number;
  series: Series[];
  kind: "bars" | "lines";
  format: (n: number) => string;
}) {
  const [at, setAt] = useState(-1);
  const { box, width: W } = useWidth(560);
  const buckets = series[0]?.values.length ?? 0;
  const total = (bucket: number) => series.reduce((sum, each) => sum + (each.values[bucket] ?? 0), 0);
  let top = 0;
  for (let bucket = 0; bucket < buckets; bucket++)
    top = Math.max(
      top,
      kind === "bars" ? total(bucket) : Math.max(...series.map((each) => each.values[bucket] ?? 0)),
    );
  const scale = nice(top);
  const x = (bucket: number) => LEFT + (bucket / Math.max(1, buckets)) * (W - LEFT - 4);
  const y = (value: number) => H - BOTTOM - (value / scale) * (H - BOTTOM - TOP);
  const wide = (W - LEFT - 4) / Math.max(1, buckets);
  const label = (bucket: number) =>
    exact(from + bucket * step, timeMode.value === "utc").slice(step * buckets > 864e5 ? 5 : 11, 16);
  const empty = top === 0;
  return (
    <figure class="chart" ref={box}>
      <figcaption>
        <strong>{title}</strong>
        <span class="legend">
          {series.map((each) => (
            <span>
              <i class={`dot ${each.tone}`} />
              {each.name}
              {at >= 0 && <b>{each.values[at] === null ? "–" : format(each.values[at] ?? 0)}</b>}
            </span>
          ))}
        </span>
      </figcaption>
      <svg
        viewBox={`0 0 ${W} ${H}`}
        role="img"
        aria-label={`${title}: ${empty ? "nothing in this time" : `highest ${format(top)}`}`}
        onMouseLeave={() => setAt(-1)}
        onMouseMove={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          const bucket = Math.floor((((event.clientX - box.left) / box.width) * W - LEFT) / wide);
          setAt(bucket >= 0 && bucket < buckets ? bucket : -1);
        }}
      >
        {[0, 0.5, 1].map((share) => (
          <g>
            <line class="grid" x1={LEFT} x2={W} y1={y(scale * share)} y2={y(scale * share)} />
            <text x={LEFT - 6} y={y(scale * share) + 3} text-anchor="end">
              {format(scale * share)}
            </text>
          </g>
        ))}
        {(W < 360 ? [0, 0.5] : [0, 0.25, 0.5, 0.75])
          .map((share) => Math.floor(share * buckets))
          .map((bucket) => (
            <text x={x(bucket)} y={H - 4}>
              {label(bucket)}
            </text>
          ))}
        {at >= 0 && <rect class="cursor" x={x(at)} width={wide} y={TOP} height={H - BOTTOM - TOP} />}
        {kind === "bars"
          ? bars(series, buckets, x, y, wide)
          : series.map((each) => (
              <path class={`line ${each.tone}`} d={line(each.values, (bucket) => x(bucket) + wide / 2, y)} />
            ))}
        {empty && (
          <text class="nothing" x={(W + LEFT) / 2} y={H / 2} text-anchor="middle">
            nothing in this time
          </text>
        )}
      </svg>
      <p class="chart-at" aria-hidden="true">
        {at >= 0 ? label(at) : "\u00a0"}
      </p>
      <details>
        <summary>As a table</summary>
        <div class="scroll" tabIndex={0} role="region" aria-label={`${title} as a table`}>
          <table class="tight">
            <thead>
              <tr>
                <th scope="col">From</th>
                {series.map((each) => (
                  <th scope="col" class="num">
                    {each.name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {Array.from(
                { length: buckets },
                (_, bucket) =>
                  total(bucket) > 0 && (
                    <tr>
                      <td>{label(bucket)}</td>
                      {series.map((each) => (
                        <td class="num">
                          {each.values[bucket] === null ? "–" : format(each.values[bucket] ?? 0)}
                        </td>
                      ))}
                    </tr>
                  ),
              )}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}

function bars(
  series: Series[],
  buckets: number,
  x: (n: number) => number,
  y: (n: number) => number,
  wide: number,
) {
  const below = new Array<number>(buckets).fill(0);
  return series.map((each) => (
    <g class={`bars ${each.tone}`}>
      {each.values.map((value, bucket) => {
        if (!value) return null;
        const start = below[bucket]!;
        below[bucket] = start + value;
        return (
          <rect
            x={x(bucket) + wide * 0.1}
            width={Math.max(0.8, wide * 0.8)}
            y={y(start + value)}
            height={Math.max(0.5, y(start) - y(start + value))}
          />
        );
      })}
    </g>
  ));
}
function line(values: (number | null)[], x: (n: number) => number, y: (n: number) => number): string {
  let path = "";
  let open = false;
  values.forEach((value, bucket) => {
    if (value === null) return void (open = false);
    path += `${open ? "L" : "M"}${x(bucket).toFixed(1)},${y(value).toFixed(1)}`;
    // A lone value would not be seen: a short stroke stands for it.
    if (!open && (values[bucket + 1] ?? null) === null) path += "h2";
    open = true;
  });
  return path;
}
/** The next of 1, 2, 5, 10 … */
function nice(top: number): number {
  if (top <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(top));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= top) ?? top;
}
