// The search language of the job list: words `name:value`, each a condition; all must hold.
//   spider:x tag:y -tag:z state:running outcome:failed arg.city:Rome priority:3 errors:>0 items:<10 since:2d
// A value with blanks stands in quotes: spider:"my spider". A bare word is part of a spider's name, tag or argument.

export const COUNTERS = ["items", "pages", "errors", "logs", "runtime", "wait"] as const;
export type Counter = (typeof COUNTERS)[number];
export const STATES = ["pending", "running", "finished", "deleted"] as const;
export type StateName = (typeof STATES)[number];
export type Comparison = "<" | "<=" | ">" | ">=" | "=";

export interface Query {
  states: StateName[];
  spiders: string[];
  tags: string[];
  lacksTags: string[];
  outcomes: string[];
  args: Record<string, string>;
  priorities: number[];
  bounds: { counter: Counter; is: Comparison; value: number }[];
  runners: string[];
  /** Milliseconds back from now, or since 1970 where it is a date. */
  since?: { back: number } | { at: number };
  until?: { back: number } | { at: number };
  words: string[];
  keys: string[];
  /** What could not be read, and what is accepted. */
  problems: string[];
}

const empty = (): Query => ({
  states: [],
  spiders: [],
  tags: [],
  lacksTags: [],
  outcomes: [],
  args: {},
  priorities: [],
  bounds: [],
  runners: [],
  words: [],
  keys: [],
  problems: [],
});
const UNITS: Record<string, number> = { s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 };

/** The words of a text: blanks part them, but not inside quotes. The quotes are taken off. */
export function words(text: string): string[] {
  const found: string[] = [];
  let word = "";
  let quoted = false;
  let any = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (character === "\\" && quoted && at + 1 < text.length) word += text[++at];
    else if (character === '"') {
      quoted = !quoted;
      any = true;
    } else if (/\s/.test(character) && !quoted) {
      if (word || any) found.push(word);
      word = "";
      any = false;
    } else word += character;
  }
  if (word || any) found.push(word);
  return found;
}

/** A value as it must be written in a query. */
export const quote = (value: string) =>
  /[\s"\\]/.test(value) || value === "" ? `"${value.replace(/(["\\])/g, "\\$1")}"` : value;

export function parse(text: string): Query {
  const query = empty();
  for (const word of words(text)) addWord(query, word);
  return query;
}

function addWord(query: Query, word: string) {
  if (/^\d+\/\d+\/\d+$/.test(word)) return void query.keys.push(word);
  const colon = word.indexOf(":");
  if (colon < 1) return void query.words.push(word.toLowerCase());
  const name = word.slice(0, colon);
  const value = word.slice(colon + 1);
  const refuse = (accepted: string) => void query.problems.push(`${name}:${value}: ${accepted}`);
  if (value === "") return refuse("a value must follow the colon");
  if (name.startsWith("arg.") && name.length > 4) return void (query.args[name.slice(4)] = value);
  if ((COUNTERS as readonly string[]).includes(name)) {
    const bound = comparison(value, name === "runtime" || name === "wait");
    return bound
      ? void query.bounds.push({ counter: name as Counter, ...bound })
      : refuse("accepted are <N, <=N, >N, >=N and N");
  }
  switch (name) {
    case "spider":
      return void query.spiders.push(value);
    case "tag":
      return void query.tags.push(value);
    case "-tag":
      return void query.lacksTags.push(value);
    case "outcome":
      return void query.outcomes.push(value);
    case "runner":
      return void query.runners.push(value.toLowerCase());
    case "key":
      return void query.keys.push(value);
    case "state":
      return (STATES as readonly string[]).includes(value)
        ? void query.states.push(value as StateName)
        : refuse(`accepted are ${STATES.join(", ")}`);
    case "priority":
      return /^[0-4]$/.test(value)
        ? void query.priorities.push(Number(value))
        : refuse("accepted are 0 to 4");
    case "since":
    case "until": {
      const at = moment(value);
      return at
        ? void (query[name] = at)
        : refuse("accepted are 30m, 2h, 7d, 2w or a date such as 2026-11-30");
    }
    default:
      return refuse(
        "accepted are spider, tag, -tag, state, outcome, arg.NAME, priority, runner, since, until, " +
          COUNTERS.join(", "),
      );
  }
}

function comparison(value: string, isTime: boolean): { is: Comparison; value: number } | undefined {
  const found = /^(<=|>=|<|>|=)?(\d+(?:\.\d+)?)([smhdw])?$/.exec(value);
  if (!found || (found[3] && !isTime)) return undefined;
  const factor = isTime ? UNITS[found[3] ?? "s"]! : 1;
  return { is: (found[1] ?? "=") as Comparison, value: Number(found[2]) * factor };
}

function moment(value: string): Query["since"] | undefined {
  const back = /^(\d+(?:\.\d+)?)([smhdw])$/.exec(value);
  if (back) return { back: Number(back[1]) * UNITS[back[2]!]! };
  if (!/^\d{4}-\d\d-\d\d/.test(value)) return undefined;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : { at };
}

/** A query with `word` added, or without it where it is there. */
export function toggled(text: string, word: string): string {
  const all = words(text);
  const kept = all.filter((other) => other !== word);
  if (kept.length === all.length) kept.push(word);
  return kept.map(written).join(" ");
}
/** A query without the words that begin with `start`. */
export const without = (text: string, start: string) =>
  words(text)
    .filter((word) => !word.startsWith(start))
    .map(written)
    .join(" ");
function written(word: string): string {
  const colon = word.indexOf(":");
  return colon < 1 ? quote(word) : word.slice(0, colon + 1) + quote(word.slice(colon + 1));
}
