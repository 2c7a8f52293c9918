// Builds the published package in the current directory: `node ../../scripts/build-package.mjs`.
//
// esbuild bundles each entry point of `exports`, `imports` and `bin` into one module. Code that several entry points use
// goes into a shared chunk, so that each class exists only once. tsc checks the types and writes the declarations.
//
// The entry points of `exports` also exist as CommonJS, for programs that cannot `require` ECMAScript modules: Jest, whose
// tests are CommonJS by default. Node.js itself can, so the condition `module-sync` keeps it at one copy of each class.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { build } from "esbuild";

const packages = resolve(import.meta.dirname, "../packages");
const banner = "#!/usr/bin/env node\n";

/** @typedef {{ exports: Record<string, string | { default: string }>, imports?: Record<string, string>, bin?: Record<string, string> }} Manifest */

/**
 * Returns the source file of every JavaScript file that the manifest names: `./dist/a/b.js` is built from `src/a/b.ts`.
 *
 * @param {Manifest} manifest
 */
function entryPoints({ exports, imports = {}, bin = {} }) {
  const targets = [
    ...Object.values(exports).map((target) => (typeof target === "string" ? target : target.default)),
    ...Object.values(imports),
    ...Object.values(bin),
  ];
  const names = targets.flatMap((target) => /^\.\/dist\/(.+)\.js$/.exec(target)?.[1] ?? []);
  return Object.fromEntries(names.map((name) => [name, `src/${name}.ts`]));
}

/** @satisfies {import("esbuild").BuildOptions} */
const options = {
  bundle: true,
  packages: "external",
  // Private packages become part of the packages that use them.
  alias: Object.fromEntries(
    ["measure", "page"].map((name) => [`@manykv/${name}`, join(packages, name, "src/index.ts")]),
  ),
  platform: "neutral",
  target: "es2023",
  sourcemap: true,
  sourcesContent: true,
  legalComments: "none",
  logLevel: "warning",
  write: false,
};

async function bundle() {
  const manifest = JSON.parse(await readFile("package.json", "utf8"));
  const { outputFiles } = await build({
    ...options,
    entryPoints: entryPoints(manifest),
    outdir: "dist",
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
    format: "esm",
  });
  const files = filesOf(outputFiles);
  for (const [path, text] of await bundleCommonJs(manifest)) files.set(path, text);
  for (const [path, text] of files) await writeIfChanged(path, text);
  return files;
}

/**
 * Bundles all entry points of `exports` into one CommonJS module, and returns it with a small module per entry point:
 * esbuild cannot share chunks between CommonJS modules.
 *
 * @param {Manifest} manifest
 * @returns {Promise<Map<string, string>>}
 */
async function bundleCommonJs({ exports }) {
  const names = Object.keys(entryPoints({ exports }));
  const { outputFiles } = await build({
    ...options,
    stdin: {
      contents: names.map((name, index) => `export * as entry${index} from "./src/${name}.ts";`).join("\n"),
      resolveDir: ".",
      sourcefile: "all.ts",
    },
    outfile: "dist/chunks/all.cjs",
    format: "cjs",
    define: { "import.meta.url": "__filename" },
    // Jest's default settings do not permit `import()`.
    supported: { "dynamic-import": false },
  });
  const files = filesOf(outputFiles);
  for (const [index, name] of names.entries()) {
    const folder = "../".repeat(name.split("/").length - 1) || "./";
    files.set(`dist/${name}.cjs`, `module.exports = require("${folder}chunks/all.cjs").entry${index};\n`);
  }
  return files;
}

/**
 * Returns the text of each file that esbuild created. The package contains `src`, so a source map needs only the paths of
 * these sources. Of a private package, the map contains the text.
 *
 * @param {readonly import("esbuild").OutputFile[]} outputFiles
 * @returns {Map<string, string>}
 */
function filesOf(outputFiles) {
  return new Map(
    outputFiles.map(({ path, text }) => [
      relative(".", path),
      path.endsWith(".map") ? withoutOwnSources(path, text) : text,
    ]),
  );
}

/**
 * @param {string} path
 * @param {string} text
 */
function withoutOwnSources(path, text) {
  const map = JSON.parse(text);
  map.sourcesContent = map.sources.map((/** @type {string} */ source, /** @type {number} */ index) =>
    relative(".", resolve(dirname(path), source)).startsWith("..") ? map.sourcesContent[index] : null,
  );
  return JSON.stringify(map);
}

/**
 * Writes a file only if its content changed, so that the build does not disturb processes that watch or load the file.
 *
 * @param {string} path
 * @param {string} text
 */
async function writeIfChanged(path, text) {
  if (existsSync(path) && (await readFile(path, "utf8")) === text) return;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text, { mode: text.startsWith(banner) ? 0o755 : 0o644 });
}

/** Checks the types and writes the declarations. */
function emitDeclarations() {
  const tsc = resolve(import.meta.dirname, "../node_modules/.bin/tsc");
  const child = spawn(tsc, ["-p", "."], { stdio: "inherit", shell: process.platform === "win32" });
  return new Promise((settle, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => settle(code ?? 1));
  });
}

/**
 * Deletes files that an earlier build wrote and this build did not write. Otherwise, a release would publish them.
 *
 * @param {Map<string, string>} bundled
 */
async function removeLeftovers(bundled) {
  for (const name of await readdir("dist", { recursive: true })) {
    const path = join("dist", name);
    const source = join("src", name.replace(/\.d\.ts(\.map)?$/, ".ts"));
    const kept = /\.c?js(\.map)?$/.test(name)
      ? bundled.has(path)
      : !/\.d\.ts(\.map)?$/.test(name) || existsSync(source);
    if (!kept) await rm(path);
  }
}

const [bundled, exitCode] = await Promise.all([bundle(), emitDeclarations()]);
await removeLeftovers(bundled);
process.exitCode = exitCode;
