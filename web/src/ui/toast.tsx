// Short messages at the lower edge, read out politely.
import { signal } from "@preact/signals";

interface Message {
  id: number;
  text: string;
  tone: "info" | "bad";
  act?: { name: string; do: () => void };
}
const STAYS = 5_000;
const BAD_STAYS = 12_000;
const messages = signal<Message[]>([]);
let last = 0;

export function say(text: string, tone: Message["tone"] = "info", act?: Message["act"]) {
  const message: Message = act ? { id: ++last, text, tone, act } : { id: ++last, text, tone };
  messages.value = [...messages.peek().slice(-3), message];
  setTimeout(() => drop(message.id), tone === "bad" || act ? BAD_STAYS : STAYS);
}
const drop = (id: number) => (messages.value = messages.peek().filter((message) => message.id !== id));

export function Toasts() {
  return (
    <div class="toasts" aria-live="polite" role="status">
      {messages.value.map((message) => (
        <div key={message.id} class={`toast ${message.tone}`}>
          <span>{message.text}</span>
          {message.act && (
            <button
              type="button"
              onClick={() => {
                message.act?.do();
                drop(message.id);
              }}
            >
              {message.act.name}
            </button>
          )}
          <button type="button" class="quiet" aria-label="Dismiss" onClick={() => drop(message.id)}>
            ×
          </button>
        </div>
      ))}
    </div>
  );
}
