// Light or dark: as the system has it, unless the reader chose one.
import { effect } from "@preact/signals";
import { preference } from "../preference.ts";

export const theme = preference<"system" | "light" | "dark">("theme", "system", ["system", "light", "dark"]);
const NEXT = { system: "light", light: "dark", dark: "system" } as const;
export const nextTheme = () => (theme.value = NEXT[theme.peek()]);
effect(() => {
  if (theme.value === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
});
