// The address decides what is shown. Paths here are without the base path.
import { computed, signal } from "@preact/signals";
import { base } from "./base.ts";

const here = () => ({
  path: "/" + location.pathname.slice(base.length),
  query: location.search,
  hash: location.hash,
});
export const place = signal(here());
addEventListener("popstate", () => (place.value = here()));
addEventListener("hashchange", () => (place.value = here()));

/** The address of a path of the page, for `href`. */
export const href = (path: string) => base + path.replace(/^\//, "");

/** Goes to a path; `replace` keeps the history as it is. */
export function go(path: string, replace = false) {
  const url = href(path);
  if (url === location.pathname + location.search + location.hash) return;
  const before = place.peek().path;
  history[replace ? "replaceState" : "pushState"](null, "", url);
  place.value = here();
  if (place.peek().path !== before) scrollTo(0, 0);
}

/** Follows links of the page without loading it anew; a changed click (new tab, download) is the browser's. */
addEventListener("click", (event) => {
  const link = (event.target as Element | null)?.closest?.("a[href]") as HTMLAnchorElement | null;
  if (
    !link ||
    event.defaultPrevented ||
    event.button !== 0 ||
    event.metaKey ||
    event.ctrlKey ||
    event.shiftKey ||
    event.altKey
  )
    return;
  if (
    link.origin !== location.origin ||
    link.target ||
    link.hasAttribute("download") ||
    !link.pathname.startsWith(base)
  )
    return;
  if (!isPage("/" + link.pathname.slice(base.length))) return;
  if (link.getAttribute("href")?.startsWith("#")) return;
  event.preventDefault();
  go("/" + link.href.slice(location.origin.length + base.length));
});

export type Route =
  | {
      name:
        "projects" | "runners" | "preferences" | "keys" | "audit" | "store" | "docs" | "missing" | "login";
    }
  | { name: "project" | "jobs" | "schedule" | "settings"; project: number }
  | { name: "spider"; project: number; spider: number }
  | { name: "job"; project: number; spider: number; key: string; tab: JobTab };
export const JOB_TABS = ["overview", "log", "items", "requests", "stats", "metadata"] as const;
export type JobTab = (typeof JOB_TABS)[number];

const FIXED: Record<string, Route["name"]> = {
  "/": "projects",
  "/login": "login",
  "/runners": "runners",
  "/settings": "preferences",
  "/admin": "keys",
  "/admin/keys": "keys",
  "/admin/audit": "audit",
  "/admin/store": "store",
  "/docs": "docs",
};
const isPage = (path: string) => path in FIXED || path.startsWith("/p/");

export function parse(path: string): Route {
  const plain = path.length > 1 ? path.replace(/\/+$/, "") : path;
  const fixed = FIXED[plain];
  if (fixed) return { name: fixed } as Route;
  const [, p, projectText, ...rest] = plain.split("/");
  const project = number(projectText);
  if (p !== "p" || !project) return { name: "missing" };
  if (rest[0] === "job") rest.shift();
  const [first, second, tab = "overview"] = rest;
  if (first === undefined) return { name: "project", project };
  if (second === undefined && (first === "jobs" || first === "schedule" || first === "settings"))
    return { name: first, project };
  const spider = number(first);
  if (!spider) return { name: "missing" };
  if (second === undefined) return { name: "spider", project, spider };
  const job = number(second);
  if (!job || !(JOB_TABS as readonly string[]).includes(tab)) return { name: "missing" };
  return { name: "job", project, spider, key: `${project}/${spider}/${job}`, tab: tab as JobTab };
}
const number = (text: string | undefined) => (/^[1-9]\d{0,15}$/.test(text ?? "") ? Number(text) : 0);

export const route = computed(() => parse(place.value.path));
/** The project that the address is about; 0: none. */
export const project = computed(() => ("project" in route.value ? route.value.project : 0));
