// What the keyboard does on the screen below.
import { bound } from "./keys.ts";
import { Dialog } from "./parts.tsx";

export function Help({ close }: { close: () => void }) {
  const groups = new Map<string, [string, string][]>();
  for (const key of bound.value) {
    const group = key.group ?? "This screen";
    const all = groups.get(group) ?? [];
    if (!all.some(([keys]) => keys === key.keys)) all.push([key.keys, key.what]);
    groups.set(group, all);
  }
  groups.get("Everywhere")?.push(["Ctrl K", "Jump to anything"]);
  return (
    <Dialog title="Keyboard" close={close}>
      <div class="help">
        {[...groups].reverse().map(([group, keys]) => (
          <section>
            <h3>{group}</h3>
            <dl>
              {keys.map(([key, what]) => (
                <>
                  <dt>
                    {key.split(" ").map((one) => (
                      <kbd>{one}</kbd>
                    ))}
                  </dt>
                  <dd>{what}</dd>
                </>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
