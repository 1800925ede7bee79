// What a job scraped: as a table or as JSON, with how many items have each field.
import { useEffect, useMemo, useState } from "preact/hooks";
import { type Job, JobState } from "../../gen/spiderq/v1/job_pb.ts";
import { type GetOutputStatsResponse, OutputKind } from "../../gen/spiderq/v1/job_output_service_pb.ts";
import { healed } from "../api/connection.ts";
import { apiUrl } from "../base.ts";
import { count, percent, plural } from "../format/number.ts";
import { cellText, fieldOf, isEmpty, OutputRows } from "../job/rows.ts";
import { preference } from "../preference.ts";
import { useKeys } from "../ui/keys.ts";
import { Button, Card, Empty, Failure, Menu, Waiting } from "../ui/parts.tsx";
import { Text, visible } from "../ui/text.tsx";

const mode = preference<"table" | "json">("items", "table", ["table", "json"]);
const CELL = 200;
const COLUMNS = 60;

export function Items({ job, stats }: { job: Job; stats: GetOutputStatsResponse | null }) {
  const [contains, setContains] = useState("");
  const [type, setType] = useState("");
  const list = useMemo(
    () => new OutputRows(job.key, OutputKind.ITEMS, contains),
    [job.key, job.attempt, contains, healed.value],
  );
  useEffect(() => {
    void list.more();
    return () => list.close();
  }, [list]);
  useKeys([
    {
      keys: "v",
      what: "Table or JSON",
      act: () => (mode.value = mode.peek() === "table" ? "json" : "table"),
    },
    { keys: "m", what: "Load more", act: () => void list.more(5) },
    {
      keys: "/",
      what: "Search",
      act: () => document.querySelector<HTMLInputElement>("#item-search")?.focus(),
    },
  ]);
  const total = stats?.outputs.find((each) => each.kind === OutputKind.ITEMS);
  const lines = Number(total?.lines ?? 0n);
  const types = [
    ...new Set(
      list.rows.value
        .map((row) => fieldOf(row, "_type"))
        .filter((each): each is string => typeof each === "string"),
    ),
  ];
  const rows = type ? list.rows.value.filter((row) => fieldOf(row, "_type") === type) : list.rows.value;
  const fields = [...new Set(rows.flatMap((row) => Object.keys(row.value ?? {})))].slice(0, COLUMNS);
  const running = job.state === JobState.RUNNING;
  return (
    <div>
      <div class="bar">
        <form
          class="search-line small"
          role="search"
          onSubmit={(event) => {
            event.preventDefault();
            setContains((event.currentTarget.elements.namedItem("text") as HTMLInputElement).value);
          }}
        >
          <input
            id="item-search"
            name="text"
            placeholder="Search all items"
            aria-label="Search all items"
            autocomplete="off"
          />
          <button type="submit">Search</button>
        </form>
        {types.length > 1 && (
          <select aria-label="Type" value={type} onChange={(event) => setType(event.currentTarget.value)}>
            <option value="">All types</option>
            {types.map((each) => (
              <option>{each}</option>
            ))}
          </select>
        )}
        <div class="tabs small" role="group" aria-label="View">
          <button type="button" aria-pressed={mode.value === "table"} onClick={() => (mode.value = "table")}>
            Table
          </button>
          <button type="button" aria-pressed={mode.value === "json"} onClick={() => (mode.value = "json")}>
            JSON
          </button>
        </div>
        <span class="dim" role="status">
          {count(rows.length)} of {count(lines)} loaded
        </span>
        <span class="push" />
        <Menu label="Download" icon="down" text="Download">
          {["jl", "json", "csv", "xml"].map((format) => (
            <a
              href={apiUrl(
                `items/${job.key}?format=${format}${format === "csv" ? `&fields=${encodeURIComponent(fields.join(","))}` : ""}`,
              )}
              download={`${job.key.replaceAll("/", "-")}.${format}`}
            >
              {format.toUpperCase()}
            </a>
          ))}
        </Menu>
      </div>
      {list.problem.value && <Failure problem={list.problem.value} retry={() => void list.more()} />}
      {!rows.length &&
        (list.loading.value ? (
          <Waiting what="Loading the items" />
        ) : contains ? (
          <Empty title="No item has this text">
            <p>Case matters.</p>
          </Empty>
        ) : (
          <Empty title={running ? "No item yet" : "The job scraped no item"}>
            <p>
              {running
                ? "They come here as the runner sends them."
                : "A spider yields items as dicts or as Item objects; the runner sends them by itself."}
            </p>
          </Empty>
        ))}
      {lines > 0 && total && <Coverage counts={total.counts} lines={lines} />}
      {rows.length > 0 && mode.value === "table" && (
        <div class="scroll tall" tabIndex={0} role="region" aria-label="Items">
          <table class="rows stack">
            <caption class="hidden">Items</caption>
            <thead>
              <tr>
                <th scope="col" class="num">
                  #
                </th>
                {fields.map((field) => (
                  <th scope="col">
                    <Text of={field} max={60} />
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.at}>
                  <th scope="row" class="num dim" id={`L${row.at}`}>
                    {row.at}
                  </th>
                  {row.value ? (
                    fields.map((field) => <Cell field={field} value={fieldOf(row, field)} />)
                  ) : (
                    <td colSpan={fields.length}>
                      <Text of={row.text} max={CELL} />
                    </td>
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {rows.length > 0 &&
        mode.value === "json" &&
        rows.map((row) => (
          <details class="json" open={rows.length <= 20}>
            <summary class="mono">{row.at}</summary>
            <pre tabIndex={0}>
              <Text of={row.value ? JSON.stringify(row.value, null, 2) : row.text} max={50_000} />
            </pre>
          </details>
        ))}
      {!list.done.value && rows.length > 0 && (
        <p class="more">
          <Button onClick={() => void list.more(1)} disabled={list.loading.value}>
            Load 100 more
          </Button>
          <Button onClick={() => void list.more(10)} disabled={list.loading.value}>
            Load 1,000 more
          </Button>
        </p>
      )}
      {list.done.value && running && (
        <p class="more">
          <Button icon="again" onClick={() => void list.more()}>
            Look for new items
          </Button>
        </p>
      )}
    </div>
  );
}
function Cell({ field, value }: { field: string; value: unknown }) {
  const text = cellText(value);
  const link = /^https?:\/\/\S+$/.test(text) && text.length < 2_000;
  return (
    <td
      class={typeof value === "number" ? "num" : `clip ${isEmpty(value) ? "dim" : ""}`}
      data-label={visible(field).slice(0, 60)}
    >
      {link ? (
        <a href={text} target="_blank" rel="noopener noreferrer nofollow">
          <Text of={text} max={CELL} />
        </a>
      ) : (
        <Text of={text} max={CELL} />
      )}
    </td>
  );
}
function Coverage({ counts, lines }: { counts: Record<string, bigint>; lines: number }) {
  const all = Object.entries(counts).sort((a, b) => Number(b[1] - a[1]));
  if (!all.length) return null;
  const partial = all.filter(([, n]) => Number(n) < lines).length;
  return (
    <Card
      title="Field coverage"
      aside={
        <span class="dim">
          {plural(all.length, "field")}, {partial} not in all items
        </span>
      }
    >
      <details open={partial > 0}>
        <summary>How many items have each field</summary>
        <ul class="coverage">
          {all.slice(0, 100).map(([field, n]) => (
            <li>
              <span class="mono">
                <Text of={field} max={60} />
              </span>
              <meter
                min={0}
                max={lines}
                value={Number(n)}
                aria-label={`${field}: ${percent(Number(n), lines)}`}
              />
              <span class={`num ${Number(n) < lines ? "warn-text" : "dim"}`}>
                {percent(Number(n), lines)}
              </span>
            </li>
          ))}
        </ul>
      </details>
    </Card>
  );
}
