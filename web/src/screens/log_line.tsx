// One line of a log: folded to its first and last words, or open.
import { useEffect, useRef, useState } from "preact/hooks";
import { count } from "../format/number.ts";
import type { LogLine } from "../job/output.ts";
import { go, href, place } from "../router.ts";
import { Icon } from "../ui/icon.tsx";
import { Button } from "../ui/parts.tsx";
import { Found, logClock, Text } from "../ui/text.tsx";

/** Height of a folded line, px. */
export const ROW = 24;
/** Characters of a line that are shown; of one that was opened before all of it is asked for. */
const SHORT = 2_000;
const LONG = 20_000;
export const LEVELS: [number, string][] = [
  [10, "DEBUG"],
  [20, "INFO"],
  [30, "WARNING"],
  [40, "ERROR"],
  [50, "CRITICAL"],
];
const levelName = (level: number) => LEVELS.findLast(([from]) => level >= from)?.[1] ?? "STDOUT";

export function Line({
  line,
  row,
  marked,
  open,
  pattern,
  toggle,
  tall,
  job,
}: {
  line: LogLine | undefined;
  row: number;
  marked: boolean | undefined;
  open: boolean;
  pattern: RegExp | null;
  toggle: () => void;
  tall: (extra: number) => void;
  job: string;
}) {
  const element = useRef<HTMLDivElement>(null);
  const [all, setAll] = useState(false);
  useEffect(() => {
    if (open && element.current) tall(Math.max(0, element.current.offsetHeight - ROW));
  }, [open, all, line]);
  if (!line)
    return (
      <div class="line">
        <span class="no">{row}</span>
        <span class="dim">…</span>
      </div>
    );
  const [head = "", ...rest] = line.message.split("\n", 2_000);
  const last = rest.findLast((each) => each.trim());
  const folds = rest.length > 0 || line.message.length > SHORT || head.length > 160;
  return (
    <div
      class={`line lv-${Math.min(50, Math.floor(line.level / 10) * 10)} ${marked ? "marked" : ""} ${open ? "open" : ""}`}
      ref={element}
      id={`L${line.at}`}
    >
      <a
        class="no"
        href={href(`/p/${job}/log#L${line.at}`)}
        onClick={(event) => {
          event.preventDefault();
          event.stopPropagation();
          go(`${place.peek().path}${place.peek().query}${rangeHash(event.shiftKey, line.at)}`, true);
        }}
      >
        {line.at}
      </a>
      <span class="at">{line.time ? logClock(line.time) : ""}</span>
      <span class="level">{levelName(line.level)}</span>
      {folds ? (
        <button
          type="button"
          class="fold"
          aria-expanded={open}
          aria-label={open ? "Fold" : `Open${rest.length ? ` ${rest.length} more lines` : ""}`}
          onClick={toggle}
        >
          <Icon name={open ? "open" : "right"} />
        </button>
      ) : (
        <span class="fold" />
      )}
      <span class="message">
        {open ? (
          <>
            <Found of={all ? line.message : line.message.slice(0, LONG)} pattern={pattern} />
            {line.message.length > LONG && !all && (
              <Button kind="small" onClick={() => setAll(true)}>
                Show all {count(line.message.length)} characters
              </Button>
            )}
          </>
        ) : (
          <>
            <Found of={head.slice(0, SHORT)} pattern={pattern} />
            {last && (
              <span class="soft">
                {" "}
                ⋯ <Text of={last} max={200} />
              </span>
            )}
            {rest.length > 0 && <span class="dim"> (+{rest.length} lines)</span>}
          </>
        )}
      </span>
    </div>
  );
}

/** The lines that `#L120` or `#L120-L140` names; -1: none. */
export function lineRange(hash: string): [number, number] {
  const found = /^#L(\d+)(?:-L?(\d+))?$/.exec(hash);
  return found ? [Number(found[1]), Number(found[2] ?? found[1])] : [-1, -1];
}
function rangeHash(shift: boolean, at: number): string {
  const [from] = lineRange(place.peek().hash);
  return shift && from >= 0 && from !== at ? `#L${Math.min(from, at)}-L${Math.max(from, at)}` : `#L${at}`;
}
