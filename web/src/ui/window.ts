// Which rows of a long list are in view. Rows have one height, but for a few that are opened.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

/** Browsers place nothing well below so many pixels: a longer list is scrolled by proportion. */
const TALLEST = 8_000_000;
/** Rows that are there above and below those in view. */
const BEYOND = 5;

export interface View {
  first: number;
  last: number;
  /** Pixels above the first row. */ above: number;
  below: number;
  scrollTo: (row: number, where?: "center" | "nearest" | "end") => void;
  box: { current: HTMLDivElement | null };
  atEnd: () => boolean;
}

/** A window on `count` rows of `height` pixels; `extra` has the pixels by which opened rows are taller. */
export function useWindow(
  count: number,
  height: number,
  extra: Map<number, number> = NONE,
  onScroll?: () => void,
): View {
  const box = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState({ top: 0, tall: 600 });
  const more = [...extra].filter(([row]) => row < count).sort((a, b) => a[0] - b[0]);
  const total = count * height + more.reduce((sum, [, pixels]) => sum + pixels, 0);
  const scale = total > TALLEST ? (total - at.tall) / (TALLEST - at.tall) : 1;
  const offsetOf = (row: number) =>
    row * height + more.reduce((sum, [opened, pixels]) => sum + (opened < row ? pixels : 0), 0);
  const rowAt = (pixels: number) => {
    let row = Math.floor(pixels / height);
    if (!more.length) return Math.max(0, row);
    row = 0;
    let from = 0;
    for (const [opened, taller] of more) {
      const start = from + (opened - row) * height;
      if (pixels < start + height) break;
      if (pixels < start + height + taller) return opened;
      from = start + height + taller;
      row = opened + 1;
    }
    return Math.max(0, row + Math.floor((pixels - from) / height));
  };
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    let waiting = 0;
    const read = () => {
      waiting = 0;
      setAt({ top: element.scrollTop, tall: element.clientHeight });
    };
    const scrolled = () => {
      onScroll?.();
      waiting ||= requestAnimationFrame(read);
    };
    element.addEventListener("scroll", scrolled, { passive: true });
    const seen = new ResizeObserver(read);
    seen.observe(element);
    read();
    return () => {
      element.removeEventListener("scroll", scrolled);
      seen.disconnect();
      cancelAnimationFrame(waiting);
    };
  }, [box.current]);
  const wanted = useRef<{ row: number; where: string } | null>(null);
  const move = () => {
    const element = box.current;
    const goal = wanted.current;
    if (!element || !goal || goal.row >= count) return;
    wanted.current = null;
    const start = offsetOf(goal.row);
    const now = element.scrollTop * scale;
    const seen = element.clientHeight;
    let top = start - seen / 2;
    if (goal.where === "end") top = total;
    if (goal.where === "nearest") {
      if (start >= now && start + height <= now + seen) return;
      top = start < now ? start : start + height * 1.5 - seen;
    }
    element.scrollTop = top / scale;
    setAt({ top: element.scrollTop, tall: seen });
  };
  useLayoutEffect(move);
  const top = at.top * scale;
  const first = Math.min(Math.max(0, rowAt(top) - BEYOND), Math.max(0, count - 1));
  const last = Math.min(count, rowAt(top + at.tall) + BEYOND + 1);
  // Rows stand where the scroll bar is: their true place, moved back by what the proportion moved it.
  const above = Math.max(0, offsetOf(first) - (top - at.top));
  const below = Math.max(0, Math.min(total, TALLEST) - above - (offsetOf(last) - offsetOf(first)));
  return {
    first,
    last,
    above,
    below,
    box,
    scrollTo: (row, where = "center") => {
      wanted.current = { row, where };
      move();
    },
    atEnd: () => {
      const element = box.current;
      return !element || element.scrollTop + element.clientHeight >= element.scrollHeight - 4;
    },
  };
}
const NONE = new Map<number, number>();
