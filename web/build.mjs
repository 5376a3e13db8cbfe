// Builds the dashboard: src/ into the three files of dist/, which stand in Git and in the hub.
// `node build.mjs --to DIR` writes elsewhere, so that a test can compare.
import { copyFileSync, mkdirSync } from "node:fs";
import { build } from "esbuild";

const at = process.argv.indexOf("--to");
const directory = at > 0 ? process.argv[at + 1] : "dist";

mkdirSync(directory, { recursive: true });
await build({
  entryPoints: { app: "src/main.tsx" },
  bundle: true,
  minify: true,
  legalComments: "eof",
  target: "es2020",
  format: "esm",
  jsx: "automatic",
  jsxImportSource: "preact",
  outdir: directory,
});
await build({ entryPoints: ["src/app.css"], bundle: true, minify: true, outdir: directory });
for (const file of ["index.html", "icon.svg"]) copyFileSync(`src/${file}`, `${directory}/${file}`);
