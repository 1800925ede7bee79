// The HTTP API, as the server describes it in /openapi.json.
import { useState } from "preact/hooks";
import { apiUrl } from "../base.ts";
import { useLoad } from "../ui/load.ts";
import { useKeys } from "../ui/keys.ts";
import { Card, Empty, Failure, Heading, Waiting } from "../ui/parts.tsx";

type Json = Record<string, unknown>;
interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema?: Json;
}
interface Operation {
  tags?: string[];
  summary?: string;
  description?: string;
  parameters?: (Parameter | { $ref: string })[];
  requestBody?: Json;
  responses?: Record<string, Json>;
}
interface Api {
  info: { title: string; version: string; description?: string };
  tags: { name: string; description: string }[];
  paths: Record<string, Json>;
  components: Json;
}
const METHODS = ["get", "post", "put", "patch", "delete"];

export function Docs() {
  const [text, setText] = useState("");
  const { value, problem, reload } = useLoad(
    async (signal) =>
      (await (
        await fetch(apiUrl("openapi.json"), { signal, headers: { accept: "application/json" } })
      ).json()) as Api,
    [],
  );
  useKeys([
    {
      keys: "/",
      what: "Search the API",
      act: () => document.querySelector<HTMLInputElement>("#docs-search")?.focus(),
    },
  ]);
  if (!value)
    return (
      <>
        <Heading title="API reference" />
        {problem ? <Failure problem={problem} retry={reload} /> : <Waiting what="Loading the description" />}
      </>
    );
  const operations = Object.entries(value.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({
      path,
      method,
      shared: (item.parameters ?? []) as Operation["parameters"],
      operation: item[method] as Operation,
    })),
  );
  const wanted = text.toLowerCase().split(/\s+/);
  const found = operations.filter(({ path, method, operation }) =>
    wanted.every((word) =>
      `${method} ${path} ${operation.summary} ${operation.description ?? ""}`.toLowerCase().includes(word),
    ),
  );
  return (
    <>
      <Heading title="API reference">
        <input
          id="docs-search"
          type="search"
          placeholder="Search the paths"
          aria-label="Search the paths"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <a class="button" href={apiUrl("openapi.json")} download="spiderq-openapi.json">
          OpenAPI
        </a>
      </Heading>
      <p class="dim">
        {value.info.title} {value.info.version}. The key goes with each call: <code>curl -u KEY:</code> or{" "}
        <code>Authorization: Bearer KEY</code>. The gRPC API, <code>spiderq.v1</code>, is on the same port
        with reflection: <code>buf curl</code> and <code>grpcurl</code> list it.
      </p>
      {!found.length && <Empty title="No path matches" />}
      {value.tags.map((tag) => {
        const mine = found.filter(({ operation }) => operation.tags?.includes(tag.name));
        return (
          mine.length > 0 && (
            <Card title={tag.name} aside={<span class="dim">{tag.description}</span>}>
              {mine.map((one) => (
                <Path key={one.method + one.path} {...one} api={value} />
              ))}
            </Card>
          )
        );
      })}
    </>
  );
}

function Path({
  path,
  method,
  operation,
  shared,
  api,
}: {
  path: string;
  method: string;
  operation: Operation;
  shared: Operation["parameters"];
  api: Api;
}) {
  const follow = <T,>(value: T | { $ref: string }): T =>
    value && typeof value === "object" && "$ref" in value
      ? (value.$ref
          .split("/")
          .slice(1)
          .reduce<unknown>((at, name) => (at as Json)?.[name], api) as T)
      : value;
  const parameters = [...(shared ?? []), ...(operation.parameters ?? [])]
    .map((parameter) => follow<Parameter>(parameter))
    .filter(Boolean);
  const body = operation.requestBody
    ? (follow<Json>(operation.requestBody as Json).content as Json | undefined)
    : undefined;
  const fields = body
    ? Object.entries(body).map(([type, content]) => ({
        type,
        schema: follow<Json>((content as Json).schema as Json),
      }))
    : [];
  return (
    <details class="path">
      <summary>
        <code class={`method ${method}`}>{method.toUpperCase()}</code>
        <code class="mono">{path}</code>
        <span class="soft">{operation.summary}</span>
      </summary>
      <div class="pad">
        {operation.description && <p>{operation.description}</p>}
        {parameters.length > 0 && (
          <table class="rows">
            <thead>
              <tr>
                <th scope="col">Parameter</th>
                <th scope="col">In</th>
                <th scope="col">Meaning</th>
              </tr>
            </thead>
            <tbody>
              {parameters.map((parameter) => (
                <tr>
                  <th scope="row" class="mono">
                    {parameter.name}
                    {parameter.required && (
                      <span class="bad-text" title="required">
                        {" "}
                        *
                      </span>
                    )}
                  </th>
                  <td class="dim">{parameter.in}</td>
                  <td>{parameter.description ?? String(parameter.schema?.type ?? "")}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
        {fields.map(({ type, schema }) => (
          <>
            <p class="soft">
              Body: <code>{type}</code>
            </p>
            {Boolean(schema?.properties) && (
              <table class="rows">
                <thead>
                  <tr>
                    <th scope="col">Field</th>
                    <th scope="col">Meaning</th>
                  </tr>
                </thead>
                <tbody>
                  {Object.entries(schema.properties as Json).map(([name, field]) => (
                    <tr>
                      <th scope="row" class="mono">
                        {name}
                      </th>
                      <td>
                        {String(
                          follow<Json>(field as Json)?.description ?? follow<Json>(field as Json)?.type ?? "",
                        )}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )}
          </>
        ))}
        <p class="soft">
          Answers:{" "}
          {Object.entries(operation.responses ?? {}).map(([code, response]) => (
            <span class="chip" title={String(follow<Json>(response).description ?? "")}>
              {code}
            </span>
          ))}
        </p>
      </div>
    </details>
  );
}
