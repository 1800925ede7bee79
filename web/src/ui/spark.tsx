// A line of a number over time, as small as a word.
export function Spark({
  values,
  width = 96,
  height = 24,
  label,
}: {
  values: number[];
  width?: number;
  height?: number;
  label: string;
}) {
  if (values.length < 2) return null;
  const top = Math.max(...values, 1);
  const step = width / (values.length - 1);
  const points = values.map(
    (value, at) => `${(at * step).toFixed(1)},${(height - 1 - (value / top) * (height - 3)).toFixed(1)}`,
  );
  return (
    <svg
      class="spark"
      viewBox={`0 0 ${width} ${height}`}
      width={width}
      height={height}
      role="img"
      aria-label={label}
    >
      <path class="area" d={`M0,${height} L${points.join(" L")} L${width},${height}z`} />
      <polyline points={points.join(" ")} />
    </svg>
  );
}

/** A chart has room for so many runs at least. */
const FEWEST = 30;

/** One bar a run, aligned with those of other numbers; the middle half is marked, and what lies far outside it. */
export function Bars({
  values,
  labels,
  tones,
  hrefs,
  name,
  format,
}: {
  values: (number | undefined)[];
  labels: string[];
  tones: string[];
  hrefs: string[];
  name: string;
  format: (n: number) => string;
}) {
  const known = values.filter((value): value is number => value !== undefined).sort((a, b) => a - b);
  const at = (share: number) => known[Math.min(known.length - 1, Math.floor(share * known.length))] ?? 0;
  const [low, mid, high, top] = [at(0.25), at(0.5), at(0.75), Math.max(known.at(-1) ?? 0, 1)];
  const far = (value: number) =>
    known.length >= 8 && (value < low - 1.5 * (high - low) || value > high + 1.5 * (high - low));
  const [W, H] = [600, 44];
  const y = (value: number) => H - (value / top) * (H - 4);
  // A few runs are not drawn as walls.
  const wide = W / Math.max(values.length, FEWEST);
  return (
    <div class="multiple">
      <div class="multiple-name">
        <strong>{name}</strong>
        <span>median {known.length ? format(mid) : "–"}</span>
      </div>
      <svg
        viewBox={`0 0 ${W} ${H}`}
        preserveAspectRatio="none"
        role="group"
        aria-label={`${name} of the last ${values.length} runs, oldest first`}
      >
        <rect class="band" x="0" width={W} y={y(high)} height={Math.max(1, y(low) - y(high))} />
        <line class="mid" x1="0" x2={W} y1={y(mid)} y2={y(mid)} />
        {values.map(
          (value, run) =>
            value !== undefined && (
              <a href={hrefs[run]} tabIndex={-1} aria-label={`${labels[run]}: ${format(value)}`}>
                <title>{`${labels[run]}: ${format(value)}${far(value) ? " (far from the others)" : ""}`}</title>
                <rect class="hit" x={run * wide} y="0" width={wide} height={H} />
                <rect
                  class={`bar ${tones[run]} ${far(value) ? "far" : ""}`}
                  x={run * wide + wide * 0.15}
                  width={wide * 0.7}
                  y={Math.min(H - 1.5, y(value))}
                  height={Math.max(1.5, H - y(value))}
                />
              </a>
            ),
        )}
      </svg>
    </div>
  );
}
