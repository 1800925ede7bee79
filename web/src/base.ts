// Where the page is served: `/`, or the path that `--base-path` names, with a slash at its end.
const meta = (name: string) => document.querySelector<HTMLMetaElement>(`meta[name=${name}]`)?.content ?? "";

/** Path that all addresses of the page begin with. */
export const base = meta("base") || "/";
/** Address of the worker's script. */
export const workerUrl = meta("worker");
/** Address of a path of the API, to fetch or to link to. */
export const apiUrl = (path: string) => base + path.replace(/^\//, "");
