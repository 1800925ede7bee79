// What went wrong with a job, on top of its page: the last error of its log.
import { type Job, JobState } from "../../gen/spiderq/v1/job_pb.ts";
import { type GetOutputStatsResponse, OutputKind } from "../../gen/spiderq/v1/job_output_service_pb.ts";
import { output } from "../api/client.ts";
import { json, outcomeTone } from "../job/facts.ts";
import { href } from "../router.ts";
import { useLoad } from "../ui/load.ts";
import { Text } from "../ui/text.tsx";

const SHOWN = 6_000;

export function Trouble({ job, stats }: { job: Job; stats: GetOutputStatsResponse | null }) {
  const counts = stats?.outputs.find((each) => each.kind === OutputKind.LOGS)?.counts ?? {};
  const errors = Object.entries(counts).reduce(
    (sum, [level, lines]) => sum + (Number(level) >= 40 ? Number(lines) : 0),
    0,
  );
  const bad = job.state === JobState.FINISHED && outcomeTone(job.closeReason) === "bad";
  const last = useLoad(
    async (signal) => {
      if (!errors) return null;
      for await (const answer of output.readOutput(
        { key: job.key, kind: OutputKind.LOGS, minLevel: 40, tail: 1n },
        { signal },
      )) {
        const line = answer.lines[0] && json(new TextDecoder().decode(answer.lines[0]));
        if (line && typeof line === "object")
          return {
            at: Number(answer.offsets[0]),
            message: String((line as { message?: unknown }).message ?? ""),
          };
      }
      return null;
    },
    [job.key, errors],
    true,
  );
  if (!bad && !errors) return null;
  const message = last.value?.message ?? "";
  return (
    <section class={`trouble ${bad ? "bad" : ""}`} aria-label="What went wrong">
      <p>
        <strong>
          {bad ? (
            <>
              It ended as <Text of={job.closeReason} max={80} />
            </>
          ) : (
            `${errors} error${errors === 1 ? "" : "s"} in the log`
          )}
        </strong>
        {errors > 0 && (
          <span class="links">
            <a href={href(`/p/${job.key}/log?level=40`)}>All errors</a>
            {last.value && <a href={href(`/p/${job.key}/log#L${last.value.at}`)}>In the log</a>}
          </span>
        )}
      </p>
      {message && (
        <pre tabIndex={0}>
          <Text of={message.length > SHOWN ? "…" + message.slice(-SHOWN) : message} max={SHOWN + 1} />
        </pre>
      )}
    </section>
  );
}
