// A job that is being written, and the same call in the languages that people schedule with.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Job, NewJobSchema } from "../../gen/spiderq/v1/job_pb.ts";

export interface Draft {
  spider: string;
  args: [name: string, value: string][];
  tags: string;
  priority: number;
  units: number;
  version: string;
  settings: string;
  environment: string;
}
export const EMPTY_DRAFT: Draft = {
  spider: "",
  args: [],
  tags: "",
  priority: 2,
  units: 1,
  version: "",
  settings: "",
  environment: "",
};

/** What is wrong with the JSON text of an object; undefined: nothing, or it is empty. */
export function objectProblem(text: string, texts = false): string | undefined {
  if (!text.trim()) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (!value || typeof value !== "object" || Array.isArray(value))
      return 'An object is needed: {"NAME": value}';
    const bad = texts && Object.entries(value).find(([, each]) => typeof each !== "string");
    return bad ? `${bad[0]}: a text in quotes is needed` : undefined;
  } catch (error) {
    return `Not JSON yet: ${(error as Error).message}`;
  }
}
const tagsOf = (draft: Draft) => [
  ...new Set(
    draft.tags
      .split(",")
      .map((tag) => tag.trim())
      .filter(Boolean),
  ),
];
const argsOf = (draft: Draft) => draft.args.filter(([name]) => name);
const isScript = (draft: Draft) => draft.spider.startsWith("py:");

export function draftOf(job: Job): Draft {
  return {
    spider: job.spiderName,
    args: Object.entries(job.spiderArgs),
    tags: job.tags.join(", "),
    priority: job.priority,
    units: job.units,
    version: "",
    settings: job.jobSettingsJson,
    environment: Object.keys(job.environment).length ? JSON.stringify(job.environment, null, 2) : "",
  };
}
export function toNewJob(draft: Draft): MessageInitShape<typeof NewJobSchema> {
  return {
    spider: { spider: { case: "name", value: draft.spider.trim() } },
    spiderArgs: Object.fromEntries(argsOf(draft)),
    tags: tagsOf(draft),
    priority: draft.priority,
    units: draft.units,
    version: draft.version,
    jobSettingsJson: draft.settings.trim(),
    environment: draft.environment.trim() ? (JSON.parse(draft.environment) as Record<string, string>) : {},
  };
}

const shell = (text: string) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
const py = (text: string) =>
  JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

export function inCurl(project: number, draft: Draft): string {
  const fields: [string, string][] = [
    ["project", String(project)],
    ["spider", draft.spider || "SPIDER"],
    ...argsOf(draft),
    ...tagsOf(draft).map((tag): [string, string] => ["add_tag", tag]),
  ];
  if (draft.priority !== 2) fields.push(["priority", String(draft.priority)]);
  if (draft.units !== 1) fields.push(["units", String(draft.units)]);
  if (draft.version) fields.push(["version", draft.version]);
  if (draft.settings.trim()) fields.push(["job_settings", compact(draft.settings)]);
  if (draft.environment.trim()) fields.push(["environment", compact(draft.environment)]);
  return [
    `curl -u KEY: ${location.origin}/api/run.json`,
    ...fields.map(([name, value]) => `  --data-urlencode ${shell(`${name}=${value}`)}`),
  ].join(" \\\n");
}
export function inShub(project: number, draft: Draft): string {
  const parts = [
    `shub schedule ${shell(`${project}/${draft.spider || "SPIDER"}`)}`,
    ...argsOf(draft).map(([name, value]) => `-a ${shell(`${name}=${value}`)}`),
    ...tagsOf(draft).map((tag) => `-t ${shell(tag)}`),
  ];
  if (draft.priority !== 2) parts.push(`-p ${draft.priority}`);
  if (draft.units !== 1) parts.push(`-u ${draft.units}`);
  for (const [name, value] of entries(draft.settings))
    parts.push(`-s ${shell(`${name}=${typeof value === "string" ? value : JSON.stringify(value)}`)}`);
  for (const [name, value] of entries(draft.environment))
    parts.push(`-e ${shell(`${name}=${String(value)}`)}`);
  return parts.join(" \\\n  ");
}
export function inPython(project: number, draft: Draft): string {
  const given = [py(draft.spider || "SPIDER")];
  const object = (all: [string, unknown][]) =>
    `{${all.map(([name, value]) => `${py(name)}: ${pythonOf(value)}`).join(", ")}}`;
  if (argsOf(draft).length)
    given.push(`${isScript(draft) ? "cmd_args" : "job_args"}=${object(argsOf(draft))}`);
  if (tagsOf(draft).length) given.push(`add_tag=[${tagsOf(draft).map(py).join(", ")}]`);
  if (draft.priority !== 2) given.push(`priority=${draft.priority}`);
  if (draft.units !== 1) given.push(`units=${draft.units}`);
  if (draft.settings.trim()) given.push(`job_settings=${object(entries(draft.settings))}`);
  if (draft.environment.trim()) given.push(`environment=${object(entries(draft.environment))}`);
  return `from scrapinghub import ScrapinghubClient

client = ScrapinghubClient("KEY", endpoint=${py(location.origin)}, dash_endpoint=${py(`${location.origin}/api/`)})
job = client.get_project(${project}).jobs.run(
    ${given.join(",\n    ")},
)
print(job.key)`;
}
export function inGrpc(project: number, draft: Draft): string {
  const job: Record<string, unknown> = { spider: { name: draft.spider || "SPIDER" } };
  if (argsOf(draft).length) job.spider_args = Object.fromEntries(argsOf(draft));
  if (tagsOf(draft).length) job.tags = tagsOf(draft);
  if (draft.priority !== 2) job.priority = draft.priority;
  if (draft.units !== 1) job.units = draft.units;
  if (draft.version) job.version = draft.version;
  if (draft.settings.trim()) job.job_settings_json = compact(draft.settings);
  if (draft.environment.trim()) job.environment = Object.fromEntries(entries(draft.environment));
  return `buf curl --protocol grpc --http2-prior-knowledge -H "authorization: Bearer KEY" \\
  -d ${shell(JSON.stringify({ project, job }))} \\
  ${location.origin}/spiderq.v1.JobService/ScheduleJob`;
}
function entries(text: string): [string, unknown][] {
  try {
    return Object.entries(JSON.parse(text) as Record<string, unknown>);
  } catch {
    return [];
  }
}
const compact = (text: string) => {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return text;
  }
};
const pythonOf = (value: unknown): string =>
  typeof value === "string"
    ? py(value)
    : value === true
      ? "True"
      : value === false
        ? "False"
        : value === null
          ? "None"
          : Array.isArray(value)
            ? `[${value.map(pythonOf).join(", ")}]`
            : typeof value === "object"
              ? `{${Object.entries(value as object)
                  .map(([name, each]) => `${py(name)}: ${pythonOf(each)}`)
                  .join(", ")}}`
              : String(value);
