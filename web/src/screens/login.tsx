// The login form. It stands in place of the screen: the address stays, and is shown after.
import { useState } from "preact/hooks";
import { endedBecause, logIn } from "../api/session.ts";
import { focused } from "../ui/parts.tsx";
import { Icon } from "../ui/icon.tsx";
import { go, route } from "../router.ts";

export function Login() {
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    const input = (event.currentTarget as HTMLFormElement).elements.namedItem("api_key") as HTMLInputElement;
    const key = input.value.trim();
    if (!key) return setProblem("Enter the API key: 32 hexadecimal characters.");
    setBusy(true);
    const refused = await logIn(key);
    setBusy(false);
    setProblem(refused);
    if (refused) return input.select();
    if (route.peek().name === "login") go("/", true);
  };
  return (
    <main class="login" id="main">
      <form onSubmit={submit} autocomplete="on" method="post">
        <h1>
          <Icon name="spider" />
          spiderq
        </h1>
        {endedBecause.value && (
          <p class="note info" role="status">
            {endedBecause.value}
          </p>
        )}
        <input type="text" name="username" autocomplete="username" value="spiderq" hidden readOnly />
        <label class={`field ${problem ? "wrong" : ""}`}>
          <span>API key</span>
          <input
            name="api_key"
            type="password"
            autocomplete="current-password"
            spellcheck={false}
            ref={focused}
            aria-describedby="login-hint"
            aria-invalid={Boolean(problem)}
          />
        </label>
        {problem && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <button type="submit" class="primary" disabled={busy}>
          {busy ? "Logging in…" : "Log in"}
        </button>
        <p class="dim" id="login-hint">
          The first start of the server printed an admin key. More are made by{" "}
          <code>spiderq key create NAME --role user --project P</code>. The key is sent once; the browser then
          holds a session that scripts can't read.
        </p>
      </form>
    </main>
  );
}
