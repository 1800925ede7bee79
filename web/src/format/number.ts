// Numbers as people read them.
const plain = new Intl.NumberFormat("en-US");

/** `1,234`. Unknown: `–`. */
export const count = (n: number | bigint | undefined) => (n === undefined ? "–" : plain.format(n));
/** `12.3k`, for narrow places. */
export function short(n: number): string {
  if (n < 1000) return Number.isInteger(n) ? String(n) : n.toFixed(n < 10 ? 1 : 0);
  for (const [size, unit] of [
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ] as const)
    if (n >= size) return `${(n / size).toFixed(n / size < 10 ? 1 : 0)}${unit}`;
  return String(n);
}
export function bytes(n: number | bigint): string {
  let size = Number(n);
  for (const unit of ["B", "KiB", "MiB", "GiB", "TiB"]) {
    if (size < 1024 || unit === "TiB")
      return `${size < 10 && unit !== "B" ? size.toFixed(1) : Math.round(size)} ${unit}`;
    size /= 1024;
  }
  return "";
}
export const percent = (part: number, whole: number) =>
  whole ? `${((part / whole) * 100).toFixed(part && part * 10 < whole ? 1 : 0)} %` : "–";
export const plural = (n: number, one: string, many = one + "s") => `${count(n)} ${n === 1 ? one : many}`;
/** The value below which `share` of the sorted values lie. */
export function quantile(sorted: number[], share: number): number {
  if (!sorted.length) return NaN;
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}
export const median = (values: number[]) =>
  quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
