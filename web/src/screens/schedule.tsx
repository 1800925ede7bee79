// The form that schedules a job, and the same call in four languages below it.
import { useEffect, useState } from "preact/hooks";
import { Code } from "@connectrpc/connect";
import type { Job } from "../../gen/spiderq/v1/job_pb.ts";
import { jobs, projects, queue } from "../api/client.ts";
import { isCode, type Problem, problemOf } from "../api/problem.ts";
import { mayChange, whyNot } from "../api/session.ts";
import {
  type Draft,
  draftOf,
  EMPTY_DRAFT,
  inCurl,
  inGrpc,
  inPython,
  inShub,
  objectProblem,
  toNewJob,
} from "../job/draft.ts";
import { isSecretName, jobPath } from "../job/facts.ts";
import { go, href, place } from "../router.ts";
import { useLoad } from "../ui/load.ts";
import { Button, Card, Command, Failure, Field, focused, Heading, Note, Waiting } from "../ui/parts.tsx";
import { say } from "../ui/toast.tsx";

const LANGUAGES: [string, (project: number, draft: Draft) => string][] = [
  ["curl", inCurl],
  ["shub", inShub],
  ["Python", inPython],
  ["gRPC", inGrpc],
];

export function Schedule({ project }: { project: number }) {
  const search = new URLSearchParams(place.value.query);
  const like = search.get("like") ?? "";
  const [draft, setDraft] = useState<Draft>({ ...EMPTY_DRAFT, spider: search.get("spider") ?? "" });
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const [language, setLanguage] = useState(0);
  const [warnings, setWarnings] = useState<{ key: string; texts: string[] } | null>(null);
  const [requestId, setRequestId] = useState(() => newId());
  const spiders = useLoad(
    (signal) =>
      projects.listSpiders({ project: BigInt(project) }, { signal }).then((answer) => answer.spiders),
    [project],
  );
  const [last, setLast] = useState<Job[]>([]);

  useEffect(() => {
    if (like)
      void jobs.getJob({ key: like }).then(
        (answer) => {
          if (answer.job) setDraft(draftOf(answer.job));
        },
        (error: unknown) => setProblem(problemOf(error)),
      );
  }, [like]);
  const known = spiders.value?.find((spider) => spider.name === draft.spider);
  useEffect(() => {
    setLast([]);
    if (!known) return;
    const stop = new AbortController();
    void (async () => {
      const rows: Job[] = [];
      for await (const { job } of queue.listQueue(
        {
          project: BigInt(project),
          filter: { spiders: [{ spider: { case: "id", value: known.id } }] },
          limit: 50n,
        },
        { signal: stop.signal },
      ))
        if (job) rows.push(job);
      setLast(rows);
    })().catch(() => undefined);
    return () => stop.abort();
  }, [known?.id]);

  const change = (part: Partial<Draft>) => {
    setDraft({ ...draft, ...part });
    setRequestId(newId());
  };
  const settingsProblem = objectProblem(draft.settings);
  const environmentProblem = objectProblem(draft.environment, true);
  const names = [...new Set(last.flatMap((job) => Object.keys(job.spiderArgs)))];
  const valuesOf = (name: string) => [
    ...new Set(last.map((job) => job.spiderArgs[name]).filter((value) => value !== undefined)),
  ];
  const twice = draft.args.map(([name]) => name).find((name, at, all) => name && all.indexOf(name) !== at);
  const wrong = Boolean(settingsProblem || environmentProblem || twice || !draft.spider.trim());
  const submit = async (event: Event) => {
    event.preventDefault();
    if (wrong || busy) return;
    setBusy(true);
    setProblem(null);
    try {
      const answer = await jobs.scheduleJob({ project: BigInt(project), job: toNewJob(draft), requestId });
      const key = answer.job!.key;
      setRequestId(newId());
      if (answer.warnings.length)
        setWarnings({ key, texts: answer.warnings.map((warning) => warning.message) });
      else {
        say(`Scheduled ${key}`);
        go(jobPath(key));
      }
    } catch (error) {
      setProblem(problemOf(error));
      if (isCode(error, Code.AlreadyExists)) setRequestId(newId());
    }
    setBusy(false);
  };

  const crumbs: [string, string][] = [
    ["/", "Projects"],
    [`/p/${project}`, `Project ${project}`],
  ];
  if (!mayChange.value)
    return (
      <>
        <Heading title="Schedule a job" crumbs={crumbs} />
        <Note>{whyNot.value}</Note>
      </>
    );
  if (spiders.loading && !spiders.value)
    return (
      <>
        <Heading title="Schedule a job" crumbs={crumbs} />
        <Waiting what="Loading the spiders" />
      </>
    );
  return (
    <>
      <Heading title={like ? `Schedule a job like ${like}` : "Schedule a job"} crumbs={crumbs} />
      {warnings && (
        <Note tone="warn">
          <p>
            <strong>
              Scheduled <a href={href(jobPath(warnings.key))}>{warnings.key}</a>, but it may wait for long:
            </strong>
          </p>
          <ul>
            {warnings.texts.map((text) => (
              <li>{text}</li>
            ))}
          </ul>
        </Note>
      )}
      {problem &&
        (problem.metadata.key && problem.reason === "DUPLICATE" ? (
          <Note tone="warn">
            A job of this spider with these arguments waits or runs already:{" "}
            <a href={href(jobPath(problem.metadata.key))}>{problem.metadata.key}</a>. Change an argument to
            schedule another one.
          </Note>
        ) : (
          <Failure problem={problem} />
        ))}
      <form class="schedule" onSubmit={submit}>
        <Card title="What">
          <div class="form">
            <Field
              label="Spider"
              hint={
                draft.spider && !known
                  ? "No job of this spider yet: it gets a number with this one."
                  : "A script is py:NAME."
              }
            >
              <input
                list="spiders"
                required
                ref={focused}
                value={draft.spider}
                onInput={(event) => change({ spider: event.currentTarget.value })}
                autocomplete="off"
                spellcheck={false}
              />
            </Field>
            <datalist id="spiders">
              {spiders.value?.map((spider) => (
                <option value={spider.name} />
              ))}
            </datalist>
            <fieldset>
              <legend>Arguments</legend>
              {draft.args.map(([name, value], at) => (
                <div class="pair">
                  <input
                    aria-label={`Name of argument ${at + 1}`}
                    placeholder="name"
                    list="arg-names"
                    value={name}
                    onInput={(event) =>
                      change({ args: draft.args.with(at, [event.currentTarget.value, value]) })
                    }
                    spellcheck={false}
                  />
                  <input
                    aria-label={`Value of argument ${at + 1}`}
                    placeholder="value"
                    list={`arg-values-${at}`}
                    class={isSecretName(name) ? "masked" : ""}
                    autocomplete="off"
                    value={value}
                    onInput={(event) =>
                      change({ args: draft.args.with(at, [name, event.currentTarget.value]) })
                    }
                    spellcheck={false}
                  />
                  <datalist id={`arg-values-${at}`}>
                    {!isSecretName(name) && valuesOf(name).map((each) => <option value={each} />)}
                  </datalist>
                  <Button
                    icon="bad"
                    kind="quiet"
                    label={`Remove argument ${at + 1}`}
                    onClick={() => change({ args: draft.args.filter((_, other) => other !== at) })}
                  />
                </div>
              ))}
              <datalist id="arg-names">
                {names.map((name) => (
                  <option value={name} />
                ))}
              </datalist>
              <div class="inline">
                <Button icon="plus" onClick={() => change({ args: [...draft.args, ["", ""]] })}>
                  Argument
                </Button>
                {names
                  .filter((name) => !draft.args.some(([other]) => other === name))
                  .slice(0, 8)
                  .map((name) => (
                    <button
                      type="button"
                      class="chip pill"
                      onClick={() =>
                        change({
                          args: [
                            ...draft.args.filter(([other]) => other),
                            [name, isSecretName(name) ? "" : (valuesOf(name)[0] ?? "")],
                          ],
                        })
                      }
                    >
                      + {name}
                    </button>
                  ))}
              </div>
              {twice && (
                <small class="problem" role="alert">
                  {twice} stands there twice
                </small>
              )}
            </fieldset>
            <Field
              label="Tags"
              hint={
                known?.tags.length
                  ? `Besides those of the spider: ${known.tags.join(", ")}`
                  : "with commas between them"
              }
            >
              <input value={draft.tags} onInput={(event) => change({ tags: event.currentTarget.value })} />
            </Field>
            <div class="inline">
              <Field label="Priority" hint="0 lowest, 4 highest">
                <select
                  value={draft.priority}
                  onChange={(event) => change({ priority: Number(event.currentTarget.value) })}
                >
                  {[0, 1, 2, 3, 4].map((n) => (
                    <option value={n}>{n}</option>
                  ))}
                </select>
              </Field>
              <Field label="Units" hint="1 to 6">
                <select
                  value={draft.units}
                  onChange={(event) => change({ units: Number(event.currentTarget.value) })}
                >
                  {[1, 2, 3, 4, 5, 6].map((n) => (
                    <option value={n}>{n}</option>
                  ))}
                </select>
              </Field>
              <Field label="Version" hint="of the code; may be empty">
                <input
                  value={draft.version}
                  onInput={(event) => change({ version: event.currentTarget.value })}
                />
              </Field>
            </div>
            <Field label="Scrapy settings" hint={'JSON: {"DOWNLOAD_DELAY": 1}'} problem={settingsProblem}>
              <textarea
                rows={3}
                class="mono"
                value={draft.settings}
                onInput={(event) => change({ settings: event.currentTarget.value })}
                spellcheck={false}
              />
            </Field>
            <Field label="Environment" hint={'JSON, texts alone: {"LANG": "C"}'} problem={environmentProblem}>
              <textarea
                rows={2}
                class="mono"
                value={draft.environment}
                onInput={(event) => change({ environment: event.currentTarget.value })}
                spellcheck={false}
              />
            </Field>
            <div>
              <Button type="submit" kind="primary" icon="run" disabled={wrong || busy}>
                {busy ? "Scheduling…" : "Schedule"}
              </Button>
            </div>
          </div>
        </Card>
        <Card
          title="The same call"
          aside={
            <div class="tabs small" role="group" aria-label="Language">
              {LANGUAGES.map(([name], at) => (
                <button type="button" aria-pressed={at === language} onClick={() => setLanguage(at)}>
                  {name}
                </button>
              ))}
            </div>
          }
        >
          <Command name="the call" text={LANGUAGES[language]![1](project, masked(draft))} />
          <p class="dim pad small">
            KEY is an API key of role user; values of secret names stand in capitals.
          </p>
        </Card>
      </form>
    </>
  );
}
/** Without the values of secrets: the call is shown, and copied into chats. */
const masked = (draft: Draft): Draft => ({
  ...draft,
  args: draft.args.map(([name, value]) => [name, isSecretName(name) && value ? name.toUpperCase() : value]),
});
const newId = () => `page-${Date.now()}-${Math.random().toString(36).slice(2)}`;
