// Whether the window is so narrow that rows of a table would have to be scrolled sideways.
import { signal } from "@preact/signals";

const query = matchMedia("(max-width: 760px)");
/** Jobs are then shown as cards of two lines. */
export const narrow = signal(query.matches);
query.addEventListener("change", () => (narrow.value = query.matches));
