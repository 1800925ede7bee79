// How wide an element is: what is drawn in it has texts of one size in every window.
import { useEffect, useRef, useState } from "preact/hooks";

/** `first` until it is known, px. */
export function useWidth(first: number) {
  const box = useRef<HTMLElement>(null);
  const [width, setWidth] = useState(first);
  useEffect(() => {
    const seen = new ResizeObserver(([entry]) => setWidth(Math.max(200, Math.round(entry!.contentRect.width))));
    seen.observe(box.current!);
    return () => seen.disconnect();
  }, []);
  return { box, width };
}
