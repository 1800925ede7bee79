// All fields of a job, and its statistics.
import { useState } from "preact/hooks";
import type { Job } from "../../gen/spiderq/v1/job_pb.ts";
import { count } from "../format/number.ts";
import { isSecretName, json } from "../job/facts.ts";
import { Button, Card, copy, Empty } from "../ui/parts.tsx";
import { Text } from "../ui/text.tsx";

function Filtered({ rows, name }: { rows: [string, string][]; name: string }) {
  const [text, setText] = useState("");
  const shown = rows.filter(([field, value]) =>
    `${field} ${value}`.toLowerCase().includes(text.toLowerCase()),
  );
  return (
    <Card
      title={name}
      aside={
        <>
          <input
            type="search"
            placeholder="Filter"
            aria-label={`Filter ${name}`}
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
          <Button
            icon="copy"
            kind="quiet"
            label="Copy as JSON"
            onClick={() =>
              void copy(
                JSON.stringify(
                  Object.fromEntries(rows.map(([field, value]) => [field, json(value) ?? value])),
                  null,
                  2,
                ),
                name,
              )
            }
          />
        </>
      }
    >
      <div class="scroll" tabIndex={0} role="region" aria-label={name}>
        <table class="rows facts-table">
          <caption class="hidden">{name}</caption>
          <thead>
            <tr>
              <th scope="col">Field</th>
              <th scope="col">Value</th>
            </tr>
          </thead>
          <tbody>
            {shown.map(([field, value]) => (
              <tr>
                <th scope="row" class="mono">
                  <Text of={field} />
                </th>
                <td class="mono value">
                  <Value text={value} secret={isSecretName(field)} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}
function Value({ text, secret }: { text: string; secret: boolean }) {
  const [open, setOpen] = useState(false);
  const value = json(text);
  const shown =
    typeof value === "number" && Number.isSafeInteger(value)
      ? count(value)
      : typeof value === "object" && value !== null
        ? JSON.stringify(value, null, 2)
        : typeof value === "string"
          ? value
          : text;
  if (secret && !open)
    return (
      <>
        ••••{" "}
        <Button kind="quiet small" onClick={() => setOpen(true)}>
          Show
        </Button>
      </>
    );
  return (
    <>
      <Text of={shown} max={open ? Infinity : 4096} />
      {shown.length > 4096 && !open && (
        <Button kind="quiet small" onClick={() => setOpen(true)}>
          Show all
        </Button>
      )}
    </>
  );
}

export function Stats({ job }: { job: Job }) {
  const value = json(job.scrapystatsJson);
  if (!value || typeof value !== "object")
    return (
      <Empty title="No statistics yet">
        <p>Scrapy reports them when the job ends. Counters of a running job are in the overview.</p>
      </Empty>
    );
  return (
    <Filtered
      name="Statistics"
      rows={Object.entries(value)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([field, one]) => [field, JSON.stringify(one)])}
    />
  );
}
export function Metadata({ job }: { job: Job }) {
  const rows = Object.entries(job.metadataJson)
    .filter(([field]) => field !== "scrapystats")
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const fixed: [string, string][] = [
    ["key", JSON.stringify(job.key)],
    ["state", JSON.stringify(job.state)],
    ["etag", JSON.stringify(job.etag)],
    ["attempt", String(job.attempt)],
  ];
  return (
    <Filtered name="Metadata" rows={[...fixed.filter(([field]) => !(field in job.metadataJson)), ...rows]} />
  );
}
