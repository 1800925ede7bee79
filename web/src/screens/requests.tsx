// The requests of a job that were answered.
import { useEffect, useMemo } from "preact/hooks";
import { type Job, JobState } from "../../gen/spiderq/v1/job_pb.ts";
import { type GetOutputStatsResponse, OutputKind } from "../../gen/spiderq/v1/job_output_service_pb.ts";
import { healed } from "../api/connection.ts";
import { apiUrl } from "../base.ts";
import { bytes, count } from "../format/number.ts";
import { duration } from "../format/time.ts";
import { cellText, OutputRows } from "../job/rows.ts";
import { go, place } from "../router.ts";
import { useKeys } from "../ui/keys.ts";
import { Button, Empty, Failure, Menu, Waiting } from "../ui/parts.tsx";
import { logClock, Text } from "../ui/text.tsx";

export function Requests({ job, stats }: { job: Job; stats: GetOutputStatsResponse | null }) {
  const contains = new URLSearchParams(place.value.query).get("text") ?? "";
  const list = useMemo(
    () => new OutputRows(job.key, OutputKind.REQUESTS, contains),
    [job.key, job.attempt, contains, healed.value],
  );
  useEffect(() => {
    void list.more();
    return () => list.close();
  }, [list]);
  useKeys([
    { keys: "m", what: "Load more", act: () => void list.more(5) },
    {
      keys: "/",
      what: "Search",
      act: () => document.querySelector<HTMLInputElement>("#request-search")?.focus(),
    },
  ]);
  const rows = list.rows.value;
  const lines = Number(stats?.outputs.find((each) => each.kind === OutputKind.REQUESTS)?.lines ?? 0n);
  const tone = (status: unknown) =>
    Number(status) >= 500 ? "bad-text" : Number(status) >= 400 ? "warn-text" : "";
  return (
    <div>
      <div class="bar">
        <form
          class="search-line small"
          role="search"
          onSubmit={(event) => {
            event.preventDefault();
            const text = (event.currentTarget.elements.namedItem("text") as HTMLInputElement).value;
            go(`/p/${job.key}/requests${text ? `?text=${encodeURIComponent(text)}` : ""}`);
          }}
        >
          <input
            id="request-search"
            name="text"
            key={contains}
            defaultValue={contains}
            placeholder={'Part of an address, or "status":404'}
            aria-label="Search all requests"
            autocomplete="off"
          />
          <button type="submit">Search</button>
        </form>
        <span class="dim" role="status">
          {count(rows.length)} of {count(lines)} loaded
        </span>
        <span class="push" />
        <Menu label="Download" icon="down" text="Download">
          {["jl", "json", "csv"].map((format) => (
            <a
              href={apiUrl(`requests/${job.key}?format=${format}`)}
              download={`${job.key.replaceAll("/", "-")}-requests.${format}`}
            >
              {format.toUpperCase()}
            </a>
          ))}
        </Menu>
      </div>
      {list.problem.value && <Failure problem={list.problem.value} retry={() => void list.more()} />}
      {!rows.length &&
        (list.loading.value ? (
          <Waiting what="Loading the requests" />
        ) : (
          <Empty title={contains ? "No request has this text" : "No requests"}>
            <p>
              {contains
                ? "Case matters."
                : job.state === JobState.RUNNING
                  ? "They come here as the spider gets answers."
                  : "The runner of a Scrapy job sends them by itself."}
            </p>
          </Empty>
        ))}
      {rows.length > 0 && (
        <div class="scroll tall" tabIndex={0} role="region" aria-label="Requests">
          <table class="rows stack">
            <caption class="hidden">Requests</caption>
            <thead>
              <tr>
                <th scope="col" class="num">
                  #
                </th>
                <th scope="col">Time</th>
                <th scope="col">Method</th>
                <th scope="col" class="num">
                  Status
                </th>
                <th scope="col" class="num">
                  Took
                </th>
                <th scope="col" class="num">
                  Size
                </th>
                <th scope="col">Address</th>
              </tr>
            </thead>
            <tbody>
              {rows.map(({ at, value, text }) =>
                value ? (
                  <tr key={at}>
                    <th scope="row" class="num dim">
                      {at}
                    </th>
                    <td class="mono nowrap">{Number(value.time) ? logClock(Number(value.time)) : "–"}</td>
                    <td>
                      <Text of={cellText(value.method)} max={10} />
                    </td>
                    <td class={`num ${tone(value.status)}`}>
                      <Text of={cellText(value.status)} max={8} />
                    </td>
                    <td class="num nowrap">
                      {value.duration === undefined ? "–" : duration(Number(value.duration))}
                    </td>
                    <td class="num nowrap">{value.rs === undefined ? "–" : bytes(Number(value.rs) || 0)}</td>
                    <td class="mono clip long">
                      <Text of={cellText(value.url)} max={500} />
                    </td>
                  </tr>
                ) : (
                  <tr key={at}>
                    <th scope="row" class="num">
                      {at}
                    </th>
                    <td colSpan={6}>
                      <Text of={text} max={500} />
                    </td>
                  </tr>
                ),
              )}
            </tbody>
          </table>
        </div>
      )}
      {!list.done.value && rows.length > 0 && (
        <p class="more">
          <Button onClick={() => void list.more(1)}>Load 100 more</Button>
          <Button onClick={() => void list.more(10)}>Load 1,000 more</Button>
        </p>
      )}
    </div>
  );
}
