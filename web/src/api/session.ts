// Who is logged in. The session is a cookie that scripts can't read; this only knows whose it is.
import { computed, signal } from "@preact/signals";
import { apiUrl } from "../base.ts";
import { outage } from "./connection.ts";

export type Role = "read" | "worker" | "user" | "admin";
export interface Session {
  owner: string;
  role: Role;
  /** Projects that it reaches; null: all. */
  projects: number[] | null;
  expires_time?: string;
}
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 5_000;

/** undefined: not known yet; null: nobody. */
export const session = signal<Session | null | undefined>(undefined);
/** Why the login form is shown again. */
export const endedBecause = signal("");
/** Whether the session may change jobs. */
export const mayChange = computed(() => ["user", "admin"].includes(session.value?.role ?? ""));
export const isAdmin = computed(() => session.value?.role === "admin");
/** Why it may not, to stand in place of the buttons. */
export const whyNot = computed(() =>
  mayChange.value
    ? ""
    : `Read only: your key has the role ${session.value?.role ?? "none"}. Changes need the role user.`,
);

export function sessionEnded() {
  if (!session.peek()) return;
  endedBecause.value = "The session has ended. Log in to go on where you were.";
  session.value = null;
}

/** Asks the server whose session the cookie is; tries until it answers. */
export async function loadSession(): Promise<void> {
  for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    try {
      const response = await fetch(apiUrl("session"), { headers: { accept: "application/json" } });
      if (response.ok || response.status === 401) {
        session.value = response.ok ? ((await response.json()) as Session) : null;
        outage.value = "";
        return;
      }
      outage.value = `The server answered ${response.status}.`;
    } catch {
      outage.value = "The server can't be reached.";
    }
    await new Promise((done) => setTimeout(done, pause));
  }
}

/** Logs in; answers why not, or an empty text. */
export async function logIn(apiKey: string): Promise<string> {
  try {
    const response = await fetch(apiUrl("session"), {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify({ api_key: apiKey }),
    });
    if (response.status === 401)
      return "The server does not know this key. Ask an admin for one: spiderq key create NAME --role user --project P";
    if (!response.ok) {
      const body = (await response.json().catch(() => ({}))) as { message?: string };
      return body.message ?? `The server answered ${response.status}. Try again.`;
    }
    endedBecause.value = "";
    await loadSession();
    return session.peek() ? "" : "The browser keeps no session: allow cookies of this address.";
  } catch {
    return "The server can't be reached. Check that it runs, then try again.";
  }
}

export async function logOut() {
  await fetch(apiUrl("session"), { method: "DELETE" }).catch(() => undefined);
  endedBecause.value = "";
  session.value = null;
}
