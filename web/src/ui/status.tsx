// State of a job: a mark and a word, never colour alone.
import type { Job } from "../../gen/spiderq/v1/job_pb.ts";
import { outcomeTone, statusOf, type Tone } from "../job/facts.ts";
import { Icon } from "./icon.tsx";
import { Text } from "./text.tsx";

export function Badge({ tone, word }: { tone: Tone; word: string }) {
  return (
    <span class={`badge ${tone}`}>
      <Icon name={tone} />
      <Text of={word} max={40} />
    </span>
  );
}
export function StatusBadge({ job }: { job: Job }) {
  const { tone, word } = statusOf(job);
  return <Badge tone={tone} word={word} />;
}
export const OutcomeBadge = ({ reason }: { reason: string }) => (
  <Badge tone={outcomeTone(reason)} word={reason || "no_reason"} />
);
