// API keys: for admins. The text of a new key is shown once.
import { useState } from "preact/hooks";
import { type ApiKey, Role } from "../../gen/spiderq/v1/api_key_service_pb.ts";
import { apiKeys } from "../api/client.ts";
import { type Problem, problemOf } from "../api/problem.ts";
import { isAdmin } from "../api/session.ts";
import { ms, now, serverNow, stamp } from "../format/time.ts";
import { useLoad } from "../ui/load.ts";
import { Button, Card, Command, Dialog, Failure, Field, Heading, Note, Waiting } from "../ui/parts.tsx";
import { Badge } from "../ui/status.tsx";
import { Text, When } from "../ui/text.tsx";
import { say } from "../ui/toast.tsx";

const ROLES = { read: Role.READ, worker: Role.WORKER, user: Role.USER, admin: Role.ADMIN } as const;
type RoleName = keyof typeof ROLES;
const MAY: Record<RoleName, string> = {
  read: "sees jobs",
  worker: "also starts jobs: for runners",
  user: "does everything with jobs",
  admin: "also manages keys, in all projects",
};
const roleName = (role: Role) =>
  (Object.entries(ROLES).find(([, each]) => each === role)?.[0] ?? "unknown") as RoleName;
const DAY = 864e5;
type Asked = { act: "revoke" | "rotate"; key: ApiKey };

export function Keys() {
  const loaded = useLoad(async (signal) => {
    const all: ApiKey[] = [];
    let pageToken = "";
    do {
      const answer = await apiKeys.listApiKeys({ pageToken }, { signal });
      all.push(...answer.apiKeys);
      pageToken = answer.nextPageToken;
    } while (pageToken);
    return all;
  }, []);
  const [secret, setSecret] = useState("");
  const [asked, setAsked] = useState<Asked | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  if (!isAdmin.value)
    return (
      <>
        <Heading title="API keys" />
        <Note>Keys are managed by keys of role admin.</Note>
      </>
    );
  const act = async ({ act, key }: Asked) => {
    setAsked(null);
    try {
      if (act === "revoke") await apiKeys.revokeApiKey({ id: key.id });
      else setSecret((await apiKeys.rotateApiKey({ id: key.id })).secret);
      setProblem(null);
      say(
        act === "revoke"
          ? "Revoked: refused everywhere within seconds"
          : "Rotated: the old key is good for 1 hour more",
      );
      loaded.reload();
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return (
    <>
      <Heading title="API keys" />
      {secret && (
        <Note tone="warn">
          <p>
            <strong>The new key, shown only now:</strong>
          </p>
          <Command name="the key" text={secret} />
          <Button onClick={() => setSecret("")}>I have it</Button>
        </Note>
      )}
      {problem && <Failure problem={problem} />}
      {loaded.problem && <Failure problem={loaded.problem} retry={loaded.reload} />}
      {!loaded.value && !loaded.problem && <Waiting what="Loading the keys" />}
      {loaded.value?.length === 0 && (
        <Note>
          No key is stored: the server runs with the one of <code>--admin-key</code> alone. Make one for each
          person and program.
        </Note>
      )}
      {loaded.value && loaded.value.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label="API keys">
          <table class="rows stack">
            <caption class="hidden">API keys</caption>
            <thead>
              <tr>
                <th scope="col">Owner</th>
                <th scope="col">Role</th>
                <th scope="col">Projects</th>
                <th scope="col">Status</th>
                <th scope="col" class="num">
                  Made
                </th>
                <th scope="col" class="num">
                  Last used
                </th>
                <th scope="col" class="num">
                  Expires
                </th>
                <th scope="col">Id</th>
                <th scope="col">
                  <span class="hidden">Acts</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {loaded.value.map((key) => {
                const expires = ms(key.expireTime);
                const [word, tone] =
                  expires && expires <= now.value
                    ? (["expired", "off"] as const)
                    : expires && expires - now.value < 7 * DAY
                      ? (["ends soon", "warn"] as const)
                      : (["good", "good"] as const);
                return (
                  <tr key={key.id}>
                    <th scope="row">
                      <Text of={key.owner} max={64} />
                    </th>
                    <td>{roleName(key.role)}</td>
                    <td data-label="projects">
                      {key.projects.length ? (
                        key.projects.map(String).join(", ")
                      ) : (
                        <span class="dim">all</span>
                      )}
                    </td>
                    <td>
                      <Badge tone={tone} word={word} />
                    </td>
                    <td class="num" data-label="made">
                      <When at={ms(key.createTime)} />
                    </td>
                    <td class="num" data-label="last used">
                      <When at={ms(key.lastUseTime)} none="never" />
                    </td>
                    <td class="num" data-label="expires">
                      <When at={expires} none="never" />
                    </td>
                    <td class="mono dim">{key.id.slice(0, 8)}</td>
                    <td class="num nowrap">
                      <Button kind="small" onClick={() => setAsked({ act: "rotate", key })}>
                        Rotate
                      </Button>{" "}
                      <Button kind="small danger" onClick={() => setAsked({ act: "revoke", key })}>
                        Revoke
                      </Button>
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
      <Card title="Make a key">
        <NewKey
          made={(text) => {
            setSecret(text);
            loaded.reload();
          }}
        />
      </Card>
      {asked && (
        <Dialog
          title={asked.act === "revoke" ? "Revoke the key" : "Rotate the key"}
          close={() => setAsked(null)}
        >
          <p>
            {asked.act === "revoke" ? (
              <>
                Every program that uses the key of <Text of={asked.key.owner} /> is refused within seconds,
                and its sessions end. There is no way back.
              </>
            ) : (
              <>
                A new key takes the place of that of <Text of={asked.key.owner} />; the old one is good for 1
                hour more.
              </>
            )}
          </p>
          <div class="dialog-foot">
            <Button onClick={() => setAsked(null)}>Cancel</Button>
            <Button
              kind={asked.act === "revoke" ? "danger solid" : "primary"}
              onClick={() => void act(asked)}
            >
              {asked.act === "revoke" ? "Revoke" : "Rotate"}
            </Button>
          </div>
        </Dialog>
      )}
    </>
  );
}

function NewKey({ made }: { made: (secret: string) => void }) {
  const [role, setRole] = useState<RoleName>("user");
  const [problem, setProblem] = useState<Problem | null>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const text = (name: string) =>
      (form.elements.namedItem(name) as HTMLInputElement | null)?.value.trim() ?? "";
    const projects = text("projects")
      .split(/[\s,]+/)
      .filter(Boolean);
    try {
      if (projects.some((each) => !/^[1-9]\d*$/.test(each)))
        throw new Error("Projects are numbers with commas between them");
      const days = Number(text("days"));
      const answer = await apiKeys.createApiKey({
        owner: text("owner"),
        role: ROLES[role],
        projects: role === "admin" ? [] : projects.map(BigInt),
        allProjects: role !== "admin" && projects.length === 0,
        ...(days ? { expireTime: stamp(serverNow() + days * DAY) } : {}),
      });
      setProblem(null);
      form.reset();
      made(answer.secret);
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return (
    <form class="inline-form" onSubmit={submit}>
      <Field label="Owner" hint="shown as who scheduled jobs">
        <input name="owner" required maxLength={64} />
      </Field>
      <Field label="Role" hint={MAY[role]}>
        <select value={role} onChange={(event) => setRole(event.currentTarget.value as RoleName)}>
          {Object.keys(ROLES).map((name) => (
            <option>{name}</option>
          ))}
        </select>
      </Field>
      {role !== "admin" && (
        <Field label="Projects" hint="numbers; empty: all">
          <input name="projects" inputMode="numeric" />
        </Field>
      )}
      <Field label="Days" hint="empty: never expires">
        <input name="days" type="number" min={1} max={36500} />
      </Field>
      <Button type="submit" kind="primary">
        Make the key
      </Button>
      {problem && <Failure problem={problem} />}
    </form>
  );
}
