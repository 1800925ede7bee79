// How the server and its store are: for admins.
import { projects } from "../api/client.ts";
import { allRunners } from "../api/runners.ts";
import { isAdmin } from "../api/session.ts";
import { apiUrl } from "../base.ts";
import { count } from "../format/number.ts";
import { duration, ms } from "../format/time.ts";
import { href } from "../router.ts";
import { useInterval, useLoad } from "../ui/load.ts";
import { Card, Command, Failure, Figure, Heading, Note, Waiting } from "../ui/parts.tsx";
import { Badge } from "../ui/status.tsx";

async function ask(path: string, signal: AbortSignal) {
  const begin = performance.now();
  try {
    const response = await fetch(apiUrl(path), { signal, headers: { accept: "application/json" } });
    return {
      good: response.ok,
      text: (await response.text()).trim().slice(0, 500),
      took: performance.now() - begin,
    };
  } catch {
    return { good: false, text: "can't be reached", took: performance.now() - begin };
  }
}

export function Store() {
  const { value, problem, reload } = useLoad(async (signal) => {
    const sent = Date.now();
    const [time, live, ready, sums, taking] = await Promise.all([
      projects.getServerTime({}, { signal }),
      ask("healthz", signal),
      ask("readyz", signal),
      projects.summarizeProjects({}, { signal }),
      allRunners({}, signal),
    ]);
    const received = Date.now();
    return {
      live,
      ready,
      skew: ms(time.serverTime) - (sent + received) / 2,
      sums: sums.summaries,
      versions: [...new Set(taking.map((runner) => runner.version))],
    };
  }, []);
  useInterval(reload, 10_000);
  if (!isAdmin.value)
    return (
      <>
        <Heading title="Store" />
        <Note>This is for keys of role admin.</Note>
      </>
    );
  const sum = (of: "pending" | "running" | "finished") =>
    count(value?.sums.reduce((all, each) => all + each[of], 0n));
  return (
    <>
      <Heading title="Server and store" />
      {problem && <Failure problem={problem} retry={reload} />}
      {!value && !problem && <Waiting what="Asking the server" />}
      {value && (
        <>
          <dl class="figures">
            <Figure name="Projects" value={count(value.sums.length)} />
            <Figure name="Pending" value={sum("pending")} />
            <Figure name="Running" value={sum("running")} />
            <Figure name="Finished" value={sum("finished")} />
          </dl>
          <Card title="Health">
            <dl class="facts">
              <dt>Process</dt>
              <dd>
                <Badge
                  tone={value.live.good ? "good" : "bad"}
                  word={value.live.good ? "answers" : "does not answer"}
                />{" "}
                in {duration(value.live.took)}
              </dd>
              <dt>Store</dt>
              <dd>
                <Badge
                  tone={value.ready.good ? "good" : "bad"}
                  word={value.ready.good ? "reads and writes" : "out of reach"}
                />{" "}
                in {duration(value.ready.took)}
                {!value.ready.good && <pre tabIndex={0}>{value.ready.text}</pre>}
              </dd>
              <dt>Clock</dt>
              <dd>
                {Math.abs(value.skew) < 2_000
                  ? "as this machine's"
                  : `${duration(Math.abs(value.skew))} ${value.skew > 0 ? "ahead of" : "behind"} this machine's`}
              </dd>
              <dt>Runners' versions</dt>
              <dd>{value.versions.join(", ") || <span class="dim">no runner</span>}</dd>
            </dl>
          </Card>
          <Card title="Looking after it">
            <p class="pad">
              A check of the whole store runs while the server is stopped; what it would mend it says first.
            </p>
            <Command name="the check" text="spiderq fsck --store sqlite:spiderq.db" />
            <p class="pad">
              Who changed what is in the <a href={href("/admin/audit")}>audit</a>.
            </p>
          </Card>
        </>
      )}
    </>
  );
}
