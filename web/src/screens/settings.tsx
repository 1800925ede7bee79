// What a project may set: the names that the service knows with what they mean, and all others as JSON.
import { useState } from "preact/hooks";
import { projects } from "../api/client.ts";
import { type Problem, problemOf } from "../api/problem.ts";
import { mayChange, whyNot } from "../api/session.ts";
import { json } from "../job/facts.ts";
import { useLoad } from "../ui/load.ts";
import { Button, Card, Failure, Field, Heading, Note, Waiting } from "../ui/parts.tsx";
import { say } from "../ui/toast.tsx";
import { Text } from "../ui/text.tsx";

interface Known {
  name: string;
  what: string;
  none: string;
  texts?: string[];
}
const GROUPS: [string, Known[]][] = [
  [
    "Name",
    [{ name: "name", what: "What the project is called on this page", none: "its number", texts: ["*"] }],
  ],
  [
    "Running",
    [
      { name: "max_running", what: "Jobs that run at a time", none: "no limit" },
      { name: "max_running_units", what: "Units of all jobs that run at a time", none: "no limit" },
      { name: "max_jobs", what: "Waiting and running jobs for more to be added", none: "the key's quota" },
      {
        name: "spiders",
        what: "Whether a job of a spider that no runner has is scheduled",
        none: "any",
        texts: ["any", "known"],
      },
      { name: "cancel_timeout", what: "Seconds that a running job may take to stop", none: "300" },
    ],
  ],
  [
    "When a runner is lost",
    [
      { name: "on_lost", what: "What becomes of its jobs", none: "requeue", texts: ["requeue", "finish"] },
      { name: "max_attempts", what: "How often a job is started at most", none: "3" },
    ],
  ],
  [
    "How long jobs are kept",
    [
      { name: "keep_finished_days", what: "Days that finished jobs are kept", none: "no bound" },
      { name: "keep_finished_jobs", what: "Finished jobs that are kept", none: "no bound" },
      { name: "keep_finished_bytes", what: "Bytes of their metadata", none: "no bound" },
      { name: "keep_deleted_days", what: "Days that deleted jobs are kept", none: "no bound" },
      { name: "keep_deleted_jobs", what: "Deleted jobs that are kept", none: "no bound" },
      { name: "keep_deleted_bytes", what: "Bytes of their metadata", none: "no bound" },
    ],
  ],
  [
    "Output",
    [
      { name: "max_output_bytes", what: "Bytes that one attempt of a job may put out", none: "10 GiB" },
      { name: "keep_output_days", what: "Days that output of finished jobs is kept", none: "no bound" },
      { name: "keep_output_bytes", what: "Bytes of all output of the project", none: "no bound" },
    ],
  ],
];
const KNOWN = GROUPS.flatMap(([, settings]) => settings.map((setting) => setting.name));

export function Settings({ project }: { project: number }) {
  const loaded = useLoad(
    (signal) =>
      projects
        .getProjectSettings({ project: BigInt(project) }, { signal })
        .then((answer) => answer.settingsJson),
    [project],
  );
  const [problem, setProblem] = useState<Problem | null>(null);
  const crumbs: [string, string][] = [
    ["/", "Projects"],
    [`/p/${project}`, `Project ${project}`],
  ];
  if (!loaded.value)
    return (
      <>
        <Heading title="Settings" crumbs={crumbs} />
        {loaded.problem ? (
          <Failure problem={loaded.problem} retry={loaded.reload} />
        ) : (
          <Waiting what="Loading the settings" />
        )}
      </>
    );
  const settings = loaded.value;
  const save = async (change: Record<string, string>, remove: string[]) => {
    try {
      await projects.updateProjectSettings({
        project: BigInt(project),
        settingsJson: change,
        removeSettings: remove,
      });
      setProblem(null);
      say("Saved");
      loaded.reload();
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  const submit = (event: Event) => {
    event.preventDefault();
    const form = (event.currentTarget as HTMLFormElement).elements;
    const change: Record<string, string> = {};
    const remove: string[] = [];
    for (const setting of GROUPS.flatMap(([, all]) => all)) {
      const text = (form.namedItem(setting.name) as HTMLInputElement | null)?.value.trim() ?? "";
      const before = shown(settings[setting.name]);
      if (text === before) continue;
      if (text === "") remove.push(setting.name);
      else change[setting.name] = setting.texts ? JSON.stringify(text) : text;
    }
    if (Object.keys(change).length || remove.length) void save(change, remove);
    else say("Nothing was changed");
  };
  const wrong = (name: string) => problem?.fields.find((field) => field.field.includes(name))?.description;
  const others = Object.keys(settings)
    .filter((name) => !KNOWN.includes(name))
    .sort();
  return (
    <>
      <Heading title="Settings" crumbs={crumbs} />
      {!mayChange.value && <Note>{whyNot.value}</Note>}
      {problem && <Failure problem={problem} />}
      <form onSubmit={submit} key={JSON.stringify(settings)}>
        <fieldset class="plain" disabled={!mayChange.value}>
          {GROUPS.map(([title, all]) => (
            <Card title={title}>
              <div class="settings">
                {all.map((setting) => (
                  <Field
                    label={setting.what}
                    problem={wrong(setting.name)}
                    hint={
                      <>
                        <code>{setting.name}</code>
                        {settings[setting.name] === undefined ? `, not set: ${setting.none}` : ""}
                      </>
                    }
                  >
                    {setting.texts && setting.texts[0] !== "*" ? (
                      <select name={setting.name} defaultValue={shown(settings[setting.name])}>
                        <option value="">{setting.none} (default)</option>
                        {setting.texts.map((text) => (
                          <option selected={shown(settings[setting.name]) === text}>{text}</option>
                        ))}
                      </select>
                    ) : (
                      <input
                        name={setting.name}
                        inputMode={setting.texts ? "text" : "numeric"}
                        placeholder={setting.none}
                        defaultValue={shown(settings[setting.name])}
                      />
                    )}
                  </Field>
                ))}
              </div>
            </Card>
          ))}
          {mayChange.value && (
            <p>
              <Button type="submit" kind="primary">
                Save
              </Button>
            </p>
          )}
        </fieldset>
      </form>
      <Card title="Others" aside={<span class="dim">yours: the service gives them no meaning</span>}>
        {others.length > 0 && (
          <div class="scroll" tabIndex={0} role="region" aria-label="Other settings">
            <table class="rows stack">
              <thead>
                <tr>
                  <th scope="col">Name</th>
                  <th scope="col">Value</th>
                  {mayChange.value && (
                    <th scope="col">
                      <span class="hidden">Remove</span>
                    </th>
                  )}
                </tr>
              </thead>
              <tbody>
                {others.map((name) => (
                  <tr>
                    <th scope="row" class="mono">
                      <Text of={name} />
                    </th>
                    <td class="mono value">
                      <Text of={settings[name]!} />
                    </td>
                    {mayChange.value && (
                      <td class="num">
                        <Button
                          icon="trash"
                          kind="quiet"
                          label={`Remove ${name}`}
                          onClick={() => void save({}, [name])}
                        />
                      </td>
                    )}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        {mayChange.value && <Other save={(name, value) => void save({ [name]: value }, [])} />}
        {!others.length && !mayChange.value && <p class="dim pad">None.</p>}
      </Card>
    </>
  );
}
const shown = (text: string | undefined) => {
  const value = json(text);
  return value === undefined || value === null ? "" : typeof value === "string" ? value : (text ?? "");
};

function Other({ save }: { save: (name: string, value: string) => void }) {
  const [name, setName] = useState("");
  const [value, setValue] = useState("");
  const problem =
    value.trim() && json(value) === undefined ? "Not JSON yet: a text stands in quotes" : undefined;
  return (
    <form
      class="inline-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (name && value.trim() && !problem) {
          save(name, value);
          setName("");
          setValue("");
        }
      }}
    >
      <Field label="Name">
        <input value={name} onInput={(event) => setName(event.currentTarget.value)} spellcheck={false} />
      </Field>
      <Field label="Value, JSON" problem={problem}>
        <input
          class="mono"
          value={value}
          onInput={(event) => setValue(event.currentTarget.value)}
          spellcheck={false}
        />
      </Field>
      <Button type="submit" disabled={!name || !value.trim() || Boolean(problem)}>
        Set
      </Button>
    </form>
  );
}
