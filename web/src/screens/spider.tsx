// A spider: its last runs side by side, its tags and its limit.
import { useState } from "preact/hooks";
import { projects, queue } from "../api/client.ts";
import { problemText } from "../api/problem.ts";
import { mayChange, whyNot } from "../api/session.ts";
import { bytes, short } from "../format/number.ts";
import { duration } from "../format/time.ts";
import { runAgain } from "../job/acts.ts";
import { JobTable } from "../job/columns.tsx";
import { counter, jobPath, json, runtimeOf, statusOf } from "../job/facts.ts";
import { go, href } from "../router.ts";
import { quote } from "../search/parse.ts";
import { useKeys } from "../ui/keys.ts";
import { useLoad } from "../ui/load.ts";
import { Button, Card, Empty, Failure, Field, Heading, Waiting } from "../ui/parts.tsx";
import { useRows } from "../ui/rows.ts";
import { Bars } from "../ui/spark.tsx";
import { Text } from "../ui/text.tsx";
import { say } from "../ui/toast.tsx";

const RUNS = 50;

export function Spider({ project, spider }: { project: number; spider: number }) {
  const ref = { spider: { case: "id" as const, value: BigInt(spider) } };
  const loaded = useLoad(
    async (signal) => {
      const known = (await projects.getSpider({ project: BigInt(project), spider: ref }, { signal })).spider!;
      const runs = [];
      for await (const { job } of queue.listQueue(
        {
          project: BigInt(project),
          filter: { spiders: [ref] },
          limit: BigInt(RUNS),
          metadataFields: ["scrapystats"],
        },
        { signal },
      ))
        if (job) runs.push(job);
      return { spider: known, runs };
    },
    [project, spider],
  );
  const runs = loaded.value?.runs ?? [];
  const rows = useRows(runs.length);
  const again = () => {
    const last = runs[0];
    if (last)
      void runAgain(last.key).then(
        (job) => {
          say(`Scheduled ${job.key}`);
          go(jobPath(job.key));
        },
        (error: unknown) => say(problemText(error), "bad"),
      );
  };
  useKeys([
    ...rows.keys,
    {
      keys: "Enter",
      what: "Open the job",
      act: () => {
        const job = runs[rows.at];
        if (job) go(jobPath(job.key));
      },
    },
    ...(mayChange.value ? [{ keys: "R", what: "Run like last time", act: again }] : []),
  ]);
  const crumbs: [string, string][] = [
    ["/", "Projects"],
    [`/p/${project}`, `Project ${project}`],
    [`/p/${project}/jobs`, "Jobs"],
  ];
  if (!loaded.value)
    return (
      <>
        <Heading title={`Spider ${project}/${spider}`} crumbs={crumbs} />
        {loaded.problem ? (
          <Failure problem={loaded.problem} retry={loaded.reload} />
        ) : (
          <Waiting what="Loading the spider" />
        )}
      </>
    );
  const { spider: known } = loaded.value;
  const ended = runs.filter((job) => job.finishedTime).reverse();
  const stat = (job: (typeof runs)[number], name: string) => {
    const stats = json(job.metadataJson.scrapystats) as Record<string, unknown> | undefined;
    const value = stats?.[name];
    return typeof value === "number" ? value : undefined;
  };
  const common = {
    labels: ended.map((job) => `${job.key} ${statusOf(job).word}`),
    tones: ended.map((job) => statusOf(job).tone),
    hrefs: ended.map((job) => href(jobPath(job.key))),
  };
  return (
    <>
      <Heading
        crumbs={crumbs}
        title={
          <>
            <Text of={known.name} max={120} />{" "}
            <span class="mono soft">
              {project}/{spider}
            </span>
          </>
        }
      >
        <a
          class="button"
          href={href(`/p/${project}/jobs?q=${encodeURIComponent(`spider:${quote(known.name)}`)}`)}
        >
          All its jobs
        </a>
        {mayChange.value && runs.length > 0 && (
          <Button icon="again" onClick={again}>
            Run like last time
          </Button>
        )}
        {mayChange.value && (
          <a
            class="button primary"
            href={href(`/p/${project}/schedule?spider=${encodeURIComponent(known.name)}`)}
          >
            Schedule…
          </a>
        )}
      </Heading>
      {ended.length > 0 ? (
        <Card
          title={`The last ${ended.length} runs`}
          aside={<span class="dim">oldest left; the band is the middle half</span>}
        >
          <div class="multiples">
            <Bars
              name="Items"
              {...common}
              values={ended.map((job) => counter(job.counters?.items))}
              format={short}
            />
            <Bars
              name="Pages"
              {...common}
              values={ended.map((job) => counter(job.counters?.pages))}
              format={short}
            />
            <Bars
              name="Errors"
              {...common}
              values={ended.map((job) => counter(job.counters?.errors))}
              format={short}
            />
            <Bars
              name="Run time"
              {...common}
              values={ended.map((job) => (job.runningTime ? runtimeOf(job) : undefined))}
              format={duration}
            />
            {ended.some((job) => stat(job, "memusage/max") !== undefined) && (
              <Bars
                name="Peak memory"
                {...common}
                values={ended.map((job) => stat(job, "memusage/max"))}
                format={bytes}
              />
            )}
          </div>
        </Card>
      ) : (
        <Empty title="No run has ended yet" />
      )}
      <Card title="Jobs">
        {runs.length ? (
          <JobTable
            jobs={runs}
            columns={["status", "key", "args", "tags", "items", "pages", "errors", "runtime", "time"]}
            caption="The last jobs of the spider"
            at={rows.at}
          />
        ) : (
          <p class="dim pad">None yet.</p>
        )}
      </Card>
      <Card title="For all its jobs">
        {mayChange.value ? (
          <Change
            project={project}
            spider={spider}
            tags={known.tags}
            limit={known.maxRunning}
            saved={loaded.reload}
          />
        ) : (
          <p class="dim pad">{whyNot.value}</p>
        )}
      </Card>
    </>
  );
}

function Change({
  project,
  spider,
  tags,
  limit,
  saved,
}: {
  project: number;
  spider: number;
  tags: string[];
  limit: number | undefined;
  saved: () => void;
}) {
  const [problem, setProblem] = useState("");
  const save = async (event: Event) => {
    event.preventDefault();
    const form = (event.currentTarget as HTMLFormElement).elements;
    const wanted = (form.namedItem("tags") as HTMLInputElement).value
      .split(",")
      .map((tag) => tag.trim())
      .filter(Boolean);
    const most = (form.namedItem("limit") as HTMLInputElement).value;
    try {
      await projects.updateSpider({
        project: BigInt(project),
        spider: { spider: { case: "id", value: BigInt(spider) } },
        values: { tags: wanted, ...(most === "" ? {} : { maxRunning: Number(most) }) },
        updateMask: { paths: ["tags", "max_running"] },
      });
      setProblem("");
      say("Saved");
      saved();
    } catch (error) {
      setProblem(problemText(error));
    }
  };
  return (
    <form class="inline-form" onSubmit={save}>
      <Field label="Tags that its jobs get" hint="with commas between them">
        <input name="tags" defaultValue={tags.join(", ")} />
      </Field>
      <Field label="Most that run at a time" hint="empty: no limit" problem={problem}>
        <input
          name="limit"
          type="number"
          min={0}
          max={1_000_000}
          defaultValue={limit === undefined ? "" : String(limit)}
        />
      </Field>
      <Button type="submit">Save</Button>
    </form>
  );
}
