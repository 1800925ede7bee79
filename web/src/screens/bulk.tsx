// Changing many jobs at once: what, a question before it, progress, and what was refused.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Job } from "../../gen/spiderq/v1/job_pb.ts";
import { type Act, actOn, actOnAll, type All, type Progress } from "../job/acts.ts";
import { count, plural } from "../format/number.ts";
import { href } from "../router.ts";
import { Button, Dialog, Field } from "../ui/parts.tsx";
import { say } from "../ui/toast.tsx";

export interface Doing {
  act: Act;
  keys: string[];
  /** Instead of `keys`: all jobs of a filter. */
  all?: All | null;
}
/** From so many jobs on, their number must be typed. */
const TYPED_FROM = 100;
const WORDS: Record<Act, [verb: string, done: string, what: string]> = {
  stop: ["Stop", "stopped", "Pending jobs end as cancelled; running ones are asked to stop."],
  delete: [
    "Delete",
    "deleted",
    "They can be restored until retention removes them. Running jobs are refused: stop them first.",
  ],
  restore: ["Restore", "restored", "They are finished again, as they were."],
  again: [
    "Run again",
    "scheduled",
    "A new job of the same spider, arguments, settings and tags is scheduled for each.",
  ],
  tag: ["Tag", "tagged", "Jobs that have the tag keep it."],
  untag: ["Remove tag", "untagged", "Jobs without the tag are left as they are."],
  priority: ["Set priority", "changed", "0 is the lowest, 4 the highest; it matters while a job is pending."],
};

export function Bulk({
  count: chosen,
  loaded,
  all,
  every,
  none,
  act,
  stoppable,
  deleted,
}: {
  count: number;
  loaded: number;
  /** All that match, loaded or not; null: nobody knows them. */
  all: All | null;
  every: (all: All | null) => void;
  none: () => void;
  act: (what: Act) => void;
  stoppable: boolean;
  deleted: boolean;
}) {
  return (
    <div class="bulk" role="group" aria-label="What to do with the selected jobs">
      <strong role="status">{plural(chosen, "job")} selected</strong>
      {all && chosen < all.count ? (
        <Button kind="quiet" onClick={() => every(all)}>
          Select all {count(all.count)} that match
        </Button>
      ) : (
        chosen < loaded && (
          <Button kind="quiet" onClick={() => every(null)}>
            Select all {count(loaded)} that were found
          </Button>
        )
      )}
      <Button kind="quiet" onClick={none}>
        None
      </Button>
      <span class="push" />
      <Button icon="stop" onClick={() => act("stop")} disabled={!stoppable}>
        Stop
      </Button>
      <Button icon="again" onClick={() => act("again")}>
        Run again
      </Button>
      <Button icon="tag" onClick={() => act("tag")}>
        Tag
      </Button>
      <Button icon="off" onClick={() => act("untag")}>
        Untag
      </Button>
      <Button icon="up" onClick={() => act("priority")}>
        Priority
      </Button>
      {deleted ? (
        <Button icon="again" onClick={() => act("restore")}>
          Restore
        </Button>
      ) : (
        <Button icon="trash" kind="danger" onClick={() => act("delete")}>
          Delete
        </Button>
      )}
    </div>
  );
}

export function Doing({
  doing,
  jobOf,
  close,
  done,
}: {
  doing: Doing;
  jobOf: (key: string) => Job | undefined;
  close: () => void;
  done: (keys: string[]) => void;
}) {
  const [verb, past, what] = WORDS[doing.act];
  const needsValue = doing.act === "tag" || doing.act === "untag" || doing.act === "priority";
  const [value, setValue] = useState(doing.act === "priority" ? "2" : "");
  const [typed, setTyped] = useState("");
  const [progress, setProgress] = useState<Progress | null>(null);
  const [over, setOver] = useState(false);
  const cancelled = useRef(false);
  useEffect(() => () => void (cancelled.current = true), []);
  const of = doing.all?.count ?? doing.keys.length;
  const many = of >= TYPED_FROM;
  const ready = (!needsValue || value.trim() !== "") && (!many || typed.replaceAll(",", "") === String(of));
  const tags = [...new Set(doing.keys.flatMap((key) => jobOf(key)?.tags ?? []))].slice(0, 50);

  const start = async (event: Event) => {
    event.preventDefault();
    if (!ready || progress) return;
    setProgress({ done: 0, of, changed: 0, refusals: [] });
    const isCancelled = () => cancelled.current;
    const result = doing.all
      ? await actOnAll(doing.all, doing.act, value.trim(), setProgress, isCancelled)
      : await actOn(doing.keys, doing.act, value.trim(), setProgress, isCancelled);
    const untag = () => actOn(doing.keys, "untag", value.trim(), () => undefined, () => false);
    const undo =
      doing.act === "tag" && !doing.all
        ? { name: "Undo", do: () => void untag().then(() => done(doing.keys)) }
        : undefined;
    if (result.changed) say(`${plural(result.changed, "job")} ${past}`, "info", undo);
    done(doing.keys);
    if (cancelled.current) return;
    setProgress(result);
    if (result.refusals.length || result.changed < of) setOver(true);
    else close();
  };
  return (
    <Dialog
      title={`${verb} ${doing.keys.length === 1 ? doing.keys[0]! : plural(of, "job")}`}
      close={close}
    >
      <form onSubmit={start}>
        <p>{what}</p>
        {needsValue && !progress && (
          <Field label={doing.act === "priority" ? "Priority" : "Tag"}>
            <input
              value={value}
              onInput={(event) => setValue(event.currentTarget.value)}
              autofocus
              list="bulk-tags"
              type={doing.act === "priority" ? "number" : "text"}
              min={0}
              max={4}
            />
          </Field>
        )}
        <datalist id="bulk-tags">
          {doing.act === "untag" && tags.map((tag) => <option value={tag} />)}
        </datalist>
        {many && !progress && (
          <Field label={`Type ${of} to go on`}>
            <input
              value={typed}
              onInput={(event) => setTyped(event.currentTarget.value)}
              inputMode="numeric"
            />
          </Field>
        )}
        {progress && (
          <>
            <progress max={progress.of} value={progress.done} aria-label={verb} />
            <p role="status">
              {count(progress.done)} of {count(progress.of)}: {count(progress.changed)} {past}
              {progress.refusals.length > 0 && `, ${count(progress.refusals.length)} refused`}
              {over &&
                progress.changed + progress.refusals.length < progress.of &&
                `, ${count(progress.of - progress.changed - progress.refusals.length)} left as they were`}
            </p>
            {progress.refusals.length > 0 && (
              <ul class="refusals" tabIndex={0}>
                {progress.refusals.slice(0, 200).map(({ key, why }) => (
                  <li>
                    {key && <a href={href(`/p/${key}`)}>{key}</a>} {why}
                  </li>
                ))}
              </ul>
            )}
          </>
        )}
        <div class="dialog-foot">
          {over ? (
            <Button kind="primary" onClick={close}>
              Close
            </Button>
          ) : (
            <>
              <Button
                onClick={() => {
                  cancelled.current = true;
                  close();
                }}
              >
                Cancel
              </Button>
              <Button
                type="submit"
                kind={doing.act === "delete" ? "danger solid" : "primary"}
                disabled={!ready || progress !== null}
                autofocus={!needsValue && !many}
              >
                {verb}
              </Button>
            </>
          )}
        </div>
      </form>
    </Dialog>
  );
}
