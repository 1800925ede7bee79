// Icons, drawn on a grid of 16. They stand beside words and are not read out.
const PATHS = {
  good: "M3.5 8.5l3 3 6-7",
  bad: "M4 4l8 8M12 4l-8 8",
  warn: "M8 3v6M8 12v.5",
  run: "M5 3.5v9l7-4.5z",
  wait: "M8 4v4l2.5 2M14 8A6 6 0 112 8a6 6 0 0112 0z",
  off: "M3 8h10",
  stop: "M4 4h8v8H4z",
  again: "M13 8a5 5 0 11-1.5-3.5M13 2.5v3h-3",
  trash: "M3 4.5h10M6 4.5V3h4v1.5M4.5 4.5l.5 8.5h6l.5-8.5M7 7v4M9 7v4",
  tag: "M2.5 8.5v-6h6l5 5-6 6zM5.5 5.5v.01",
  copy: "M6 6h7v7H6zM10 6V3H3v7h3",
  search: "M11 11l3 3M12 7A5 5 0 112 7a5 5 0 0110 0z",
  plus: "M8 3v10M3 8h10",
  down: "M8 3v9M4 8.5l4 4 4-4",
  up: "M8 13V4M4 7.5l4-4 4 4",
  right: "M6 3.5l4.5 4.5L6 12.5",
  open: "M4 6l4 4.5L12 6",
  columns: "M2.5 3h11v10h-11zM6.5 3v10M10 3v10",
  help: "M6 6a2 2 0 113 1.7c-.7.5-1 .8-1 1.8M8 12v.01",
  sun: "M8 5a3 3 0 100 6 3 3 0 000-6zM8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.5 3.5l.7.7M11.8 11.8l.7.7M3.5 12.5l.7-.7M11.8 4.2l.7-.7",
  key: "M10 9.5A3.5 3.5 0 108 8l-5.5 5.5V14H5v-2h2",
  gear: "M8 5.5a2.5 2.5 0 100 5 2.5 2.5 0 000-5zM8 1.5v2M8 12.5v2M1.5 8h2M12.5 8h2M3.4 3.4l1.4 1.4M11.2 11.2l1.4 1.4M3.4 12.6l1.4-1.4M11.2 4.8l1.4-1.4",
  list: "M2.5 4h11M2.5 8h11M2.5 12h11",
  home: "M2.5 7.5L8 3l5.5 4.5M4 7v6h8V7",
  chart: "M2.5 13.5h11M4.5 11V8M8 11V4M11.5 11V6",
  server: "M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5v.01M5 11v.01",
  book: "M3 3h4a1 1 0 011 1v9a1 1 0 00-1-1H3zM13 3H9a1 1 0 00-1 1v9a1 1 0 011-1h4z",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  more: "M3.5 8v.01M8 8v.01M12.5 8v.01",
  eye: "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 6.5a1.5 1.5 0 100 3 1.5 1.5 0 000-3z",
  out: "M9 3H3.5v10H9M7 8h7M11.5 5.5L14 8l-2.5 2.5",
  spider:
    "M8 6a2.5 2.5 0 100 5 2.5 2.5 0 000-5zM6 7L3 5M6 9.5H2.5M6.5 11L4 13.5M10 7l3-2M10 9.5h3.5M9.5 11l2.5 2.5M8 6V3.5",
} as const;
export type IconName = keyof typeof PATHS;

export function Icon({ name, class: extra = "" }: { name: IconName; class?: string }) {
  return (
    <svg class={`icon ${extra}`} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
