// Builds the page into a folder: index.html and its files, named by a hash of what is in them.
//   node web/build.mjs FOLDER
// scripts/web calls it, after the messages of proto/ are in web/gen.
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** Most bytes of all files of the page together, each compressed by gzip. */
const BUDGET = 110 * 1024;
const web = dirname(fileURLToPath(import.meta.url));
const given = process.argv[2];
if (!given) throw new Error("usage: node web/build.mjs FOLDER");
const folder = resolve(given);

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const built = await build({
  entryPoints: { app: join(web, "src/main.tsx"), worker: join(web, "src/live/worker.ts") },
  absWorkingDir: web,
  outdir: folder,
  bundle: true,
  splitting: true,
  format: "esm",
  minify: true,
  target: ["chrome123", "firefox128", "safari17.5"],
  jsx: "automatic",
  jsxImportSource: "preact",
  charset: "utf8",
  legalComments: "none",
  entryNames: "[name].[hash]",
  chunkNames: "shared.[hash]",
  metafile: true,
  logLevel: "warning",
});
const names = Object.keys(built.metafile.outputs).map((path) => basename(path));
const named = (start, end) => names.find((name) => name.startsWith(start) && name.endsWith(end));
const html = readFileSync(join(web, "index.html"), "utf8")
  .replace("%worker%", named("worker.", ".js"))
  .replace("%style%", named("app.", ".css"))
  .replace("%script%", named("app.", ".js"));
writeFileSync(join(folder, "index.html"), html);

let total = 0;
for (const name of readdirSync(folder).sort()) {
  const file = join(folder, name);
  const size = gzipSync(readFileSync(file), { level: 9 }).length;
  total += size;
  console.log(`${String(statSync(file).size).padStart(8)} ${String(size).padStart(7)} gzip  ${name}`);
}
console.log(`${String(total).padStart(16)} gzip  of ${BUDGET}`);
if (total > BUDGET) {
  console.error("the page is larger than its budget");
  process.exit(1);
}
