// The audit: who did what, for admins.
import { useEffect, useMemo, useState } from "preact/hooks";
import { Role } from "../../gen/spiderq/v1/api_key_service_pb.ts";
import type { AuditEvent } from "../../gen/spiderq/v1/audit_service_pb.ts";
import { audit } from "../api/client.ts";
import { type Problem, problemOf } from "../api/problem.ts";
import { isAdmin } from "../api/session.ts";
import { count } from "../format/number.ts";
import { ms } from "../format/time.ts";
import { go, href, place } from "../router.ts";
import { Button, Empty, Failure, Field, Heading, Note, Waiting } from "../ui/parts.tsx";
import { Badge } from "../ui/status.tsx";
import { Text, When } from "../ui/text.tsx";

const PAGE = 200;

export function Audit() {
  const search = useMemo(() => new URLSearchParams(place.value.query), [place.value.query]);
  const [owner, call, project] = [
    search.get("owner") ?? "",
    search.get("call") ?? "",
    search.get("project") ?? "",
  ];
  const [events, setEvents] = useState<AuditEvent[]>([]);
  const [token, setToken] = useState<string | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const load = async (pageToken: string, before: AuditEvent[]) => {
    try {
      const answer = await audit.listAuditEvents({
        owner,
        call,
        project: BigInt(/^\d+$/.test(project) ? project : 0),
        pageSize: PAGE,
        pageToken,
      });
      setEvents([...before, ...answer.events]);
      setToken(answer.nextPageToken);
      setProblem(null);
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  useEffect(() => {
    setToken(null);
    if (isAdmin.value) void load("", []);
  }, [owner, call, project]);
  if (!isAdmin.value)
    return (
      <>
        <Heading title="Audit" />
        <Note>The audit is for keys of role admin.</Note>
      </>
    );
  return (
    <>
      <Heading title="Audit" />
      <form
        class="inline-form"
        key={place.value.query}
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          const query = new URLSearchParams();
          for (const name of ["owner", "call", "project"]) {
            const value = (event.currentTarget.elements.namedItem(name) as HTMLInputElement).value.trim();
            if (value) query.set(name, value);
          }
          go(`/admin/audit${query.size ? `?${query}` : ""}`);
        }}
      >
        <Field label="Owner">
          <input name="owner" defaultValue={owner} />
        </Field>
        <Field label="Call">
          <input name="call" defaultValue={call} placeholder="StopJobs" />
        </Field>
        <Field label="Project">
          <input name="project" inputMode="numeric" defaultValue={project} />
        </Field>
        <Button type="submit" icon="search">
          Show
        </Button>
      </form>
      {problem && <Failure problem={problem} retry={() => void load("", [])} />}
      {token === null && !problem && <Waiting what="Loading the audit" />}
      {token !== null && !events.length && (
        <Empty title="Nothing was audited">
          <p>Changes of keys, settings and spiders, stops, deletions and failed logins are kept here.</p>
        </Empty>
      )}
      {events.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label="Audit">
          <table class="rows stack">
            <caption class="hidden">Audit events, the latest first</caption>
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">Who</th>
                <th scope="col">Call</th>
                <th scope="col">Result</th>
                <th scope="col" class="num">
                  Jobs
                </th>
                <th scope="col" class="num">
                  Project
                </th>
                <th scope="col">About</th>
                <th scope="col" class="wide">
                  From
                </th>
              </tr>
            </thead>
            <tbody>
              {events.map((event) => (
                <tr>
                  <td class="nowrap">
                    <When at={ms(event.time)} />
                  </td>
                  <td>
                    <Text of={event.owner || "unknown"} max={64} />{" "}
                    <small class="dim">
                      {Role[event.role]?.toLowerCase() !== "unspecified"
                        ? Role[event.role]?.toLowerCase()
                        : ""}
                    </small>
                  </td>
                  <td class="mono">{event.call}</td>
                  <td>
                    <Badge
                      tone={event.result === "OK" ? "good" : "bad"}
                      word={event.result.toLowerCase().replaceAll("_", " ")}
                    />
                  </td>
                  <td class="num" data-label={event.count === undefined ? undefined : "jobs"}>
                    {event.count === undefined ? "" : count(event.count)}
                  </td>
                  <td class="num" data-label={event.project > 0n ? "project" : undefined}>
                    {event.project > 0n ? (
                      <a href={href(`/p/${event.project}`)}>{String(event.project)}</a>
                    ) : (
                      ""
                    )}
                  </td>
                  <td class="mono clip long">
                    <Text of={event.subject} max={300} />
                  </td>
                  <td class="mono dim wide nowrap">
                    <Text of={event.peer} max={60} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {token && (
        <p class="more">
          <Button onClick={() => void load(token, events)}>Load older ones</Button>
        </p>
      )}
    </>
  );
}
