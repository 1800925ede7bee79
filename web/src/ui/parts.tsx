// Small parts that screens are made of.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Problem } from "../api/problem.ts";
import { href } from "../router.ts";
import { Icon, type IconName } from "./icon.tsx";
import { say } from "./toast.tsx";

export function Failure({ problem, retry }: { problem: Problem; retry?: () => void }) {
  return (
    <div class="note bad" role="alert">
      <p>
        <strong>{problem.message}</strong>
      </p>
      {problem.fields.map((field) => (
        <p class="mono">
          {field.field}: {field.description}
        </p>
      ))}
      {problem.advice && <p>{problem.advice}</p>}
      {retry && (
        <button type="button" onClick={retry}>
          <Icon name="again" />
          Try again
        </button>
      )}
    </div>
  );
}
export const Waiting = ({ what = "Loading" }: { what?: string }) => (
  <p class="waiting" role="status">
    {what}…
  </p>
);
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}
export function Note({
  tone = "info",
  children,
}: {
  tone?: "info" | "warn" | "bad";
  children: ComponentChildren;
}) {
  return (
    <div class={`note ${tone}`}>
      <Icon name={tone === "info" ? "help" : "warn"} />
      <div>{children}</div>
    </div>
  );
}

export function Heading({
  title,
  crumbs = [],
  children,
}: {
  title: ComponentChildren;
  crumbs?: [string, string][];
  children?: ComponentChildren;
}) {
  return (
    <header class="heading">
      <div>
        {crumbs.length > 0 && (
          <nav aria-label="Breadcrumb" class="crumbs">
            {crumbs.map(([path, text]) => (
              <a href={href(path)}>{text}</a>
            ))}
          </nav>
        )}
        <h1>{title}</h1>
      </div>
      <div class="actions">{children}</div>
    </header>
  );
}
export function Card({
  title,
  children,
  aside,
  class: extra = "",
  level = 2,
}: {
  title?: ComponentChildren;
  children: ComponentChildren;
  aside?: ComponentChildren;
  class?: string;
  level?: 2 | 3;
}) {
  const H = `h${level}` as "h2";
  return (
    <section class={`card ${extra}`}>
      {title !== undefined && (
        <div class="card-head">
          <H>{title}</H>
          {aside}
        </div>
      )}
      {children}
    </section>
  );
}
export function Figure({
  name,
  value,
  tone = "",
  sub,
}: {
  name: string;
  value: ComponentChildren;
  tone?: string;
  sub?: ComponentChildren;
}) {
  return (
    <div class={`figure ${tone}`}>
      <dt>{name}</dt>
      <dd>
        {value}
        {sub !== undefined && <small>{sub}</small>}
      </dd>
    </div>
  );
}

export interface ButtonProps {
  autofocus?: boolean;
  icon?: IconName;
  onClick?: () => void;
  children?: ComponentChildren;
  kind?: string;
  label?: string;
  disabled?: boolean;
  pressed?: boolean;
  type?: "button" | "submit";
}
export function Button({
  icon,
  onClick,
  children,
  kind = "",
  label,
  disabled,
  pressed,
  type = "button",
  autofocus,
}: ButtonProps) {
  return (
    <button
      type={type}
      class={kind}
      autofocus={autofocus}
      onClick={onClick}
      aria-label={label}
      title={label}
      disabled={disabled}
      aria-pressed={pressed}
    >
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

/** Copies a text and says so. */
export async function copy(text: string, what: string) {
  try {
    await navigator.clipboard.writeText(text);
    say(`Copied ${what}`);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    say(
      document.execCommand("copy")
        ? `Copied ${what}`
        : "The browser does not let the page copy: select the text instead",
    );
    area.remove();
  }
}
export function Command({ text, name }: { text: string; name: string }) {
  return (
    <div class="command">
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
      <Button icon="copy" kind="quiet" label={`Copy ${name}`} onClick={() => void copy(text, name)} />
    </div>
  );
}

/** A dialog above the page; Esc and a click beside it close it. */
export function Dialog({
  title,
  close,
  children,
  class: extra = "",
}: {
  title: string;
  close: () => void;
  children: ComponentChildren;
  class?: string;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    dialog.current?.showModal();
    return () => before?.focus?.();
  }, []);
  return (
    <dialog
      ref={dialog}
      class={extra}
      aria-label={title}
      onClose={close}
      onCancel={close}
      onMouseDown={(event) => {
        if (event.target === dialog.current) close();
      }}
    >
      <div class="dialog-head">
        <h2>{title}</h2>
        <Button icon="bad" kind="quiet" label="Close" onClick={close} />
      </div>
      {children}
    </dialog>
  );
}

/** Given as `ref`: gives the element the keyboard when it is shown. (`autofocus` is for the first of a document.) */
export function focused(element: HTMLElement | null) {
  element?.focus();
}

/** A button that opens a small panel below it. */
export function Menu({
  label,
  icon,
  text,
  children,
}: {
  label: string;
  icon: IconName;
  text?: string;
  children: ComponentChildren;
}) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const close = (event: Event) => {
      if (!box.current?.contains(event.target as Node)) setOpen(false);
    };
    addEventListener("mousedown", close);
    addEventListener("focusin", close);
    return () => {
      removeEventListener("mousedown", close);
      removeEventListener("focusin", close);
    };
  }, [open]);
  return (
    <div
      class="menu"
      ref={box}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !open) return;
        event.stopPropagation();
        setOpen(false);
        box.current?.querySelector("button")?.focus();
      }}
    >
      <button
        type="button"
        aria-expanded={open}
        aria-label={text ? undefined : label}
        title={label}
        onClick={() => setOpen(!open)}
      >
        <Icon name={icon} />
        {text}
      </button>
      {open && (
        <div class="menu-panel" role="group" aria-label={label}>
          {children}
        </div>
      )}
    </div>
  );
}
/** Field of a form: label, input, hint and what is wrong. */
export function Field({
  label,
  hint,
  problem,
  children,
}: {
  label: string;
  hint?: ComponentChildren;
  problem?: string | undefined;
  children: ComponentChildren;
}) {
  return (
    <label class={`field ${problem ? "wrong" : ""}`}>
      <span>{label}</span>
      {children}
      {hint && <small>{hint}</small>}
      {problem && (
        <small class="problem" role="alert">
          {problem}
        </small>
      )}
    </label>
  );
}
