import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { build, type Plugin } from "esbuild";
import { type Instrumented, instrument } from "./instrument.js";
import type { Target } from "./targets.js";

export interface Sandbox {
  /** Folder of the copy. */
  readonly root: string;
  /** The modules with the harnesses. */
  readonly suites: readonly string[];
  /** The modules with the harnesses of further configurations. */
  readonly further: readonly string[];
  readonly instrumented: Instrumented;
  /** The text of everything that decides about a mutant in the suite stage, apart from the mutant. */
  readonly suiteText: string;
}

/**
 * Copies the workspace and replaces the target's sources with instrumented ones, so that the suite and all tests run
 * unchanged in the copy. Installed packages are shared with the original.
 */
export async function createSandbox(root: string, target: Target, copy: string): Promise<Sandbox> {
  await rm(copy, { recursive: true, force: true });
  const sources = (await readdir(join(root, target.folder, "src"), { recursive: true }))
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `${target.folder}/src/${name}`)
    .sort();
  const instrumented = await instrument(root, sources);
  for (const name of await readdir(root, { withFileTypes: true })) {
    if ([".git", ".mutation", ".turbo", "node_modules"].includes(name.name)) continue;
    const filter = (path: string): boolean => !/\/(\.turbo|\.vite-temp|\.application[^/]*)$/.test(path);
    await cp(join(root, name.name), join(copy, name.name), { recursive: true, verbatimSymlinks: true, filter });
  }
  await symlink(join(root, "node_modules"), join(copy, "node_modules"));
  for (const [path, content] of instrumented.files) await writeFile(join(copy, path), content);
  await bundlePackage(copy, target);
  const { suites: first, further = [] } = target;
  const bundle = (path: string): Promise<string> => bundleSuite(join(copy, path));
  const [suites, others] = await Promise.all([Promise.all(first.map(bundle)), Promise.all(further.map(bundle))]);
  const texts = [...suites, ...others].map((path) => readFile(path, "utf8"));
  const suiteText = [...(await Promise.all(texts)), await conformanceText(root)].join("\n");
  return { root: copy, suites, further: others, instrumented, suiteText };
}

/** Builds the package as `scripts/build-package.mjs` does, but without types: the mutants' types do not fit. */
async function bundlePackage(copy: string, { folder }: Target): Promise<void> {
  const manifest = JSON.parse(await readFile(join(copy, folder, "package.json"), "utf8"));
  const names = Object.values<{ default?: string }>(manifest.exports).flatMap(
    (target) => /^\.\/dist\/(.+)\.js$/.exec(target.default ?? "")?.[1] ?? [],
  );
  await rm(join(copy, folder, "dist"), { recursive: true });
  await mkdir(join(copy, folder, "dist"));
  const common = { bundle: true, packages: "external", target: "es2023", logLevel: "warning" } as const;
  await build({
    ...common,
    absWorkingDir: join(copy, folder),
    entryPoints: Object.fromEntries(names.map((name) => [name, `src/${name}.ts`])),
    outdir: "dist",
    platform: "neutral",
    splitting: true,
    format: "esm",
  });
}

/**
 * Bundles a test file that passes harnesses to the suite. In the bundle, `conformanceSuite` only keeps the harness, so
 * that the worker can run its cases one by one, and vitest's hooks are kept for the worker. Returns the bundle's path.
 */
async function bundleSuite(path: string): Promise<string> {
  const outfile = join(dirname(path), `.mutation-${basename(path, ".ts")}.mjs`);
  const kept = "globalThis.manykvMutation ??= { harnesses: [], before: [], after: [] }";
  const modules: Readonly<Record<string, string>> = {
    vitest: `
      const kept = ${kept};
      export const describe = (name, body) => body();
      describe.concurrent = describe;
      export const test = () => {};
      export const expect = undefined;
      export const beforeAll = (hook) => kept.before.push(hook);
      export const afterAll = (hook) => kept.after.push(hook);`,
    "@manykv/test-services/vitest": `
      export const serviceUrl = (name) => process.env["MANYKV_" + name.toUpperCase().replace("-", "_") + "_URL"];`,
    "@manykv/conformance": `
      export * from "@manykv/conformance";
      const kept = ${kept};
      export const conformanceSuite = (runner, harness) => { kept.harnesses.push(harness); };`,
  };
  const plugin: Plugin = {
    name: "suites",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^(vitest|@manykv\/test-services\/vitest|@manykv\/conformance)$/ }, ({ path, namespace }) =>
        namespace === "suites" ? { path, external: true } : { path, namespace: "suites" },
      );
      onLoad({ filter: /.*/, namespace: "suites" }, ({ path }) => ({
        contents: modules[path] ?? "",
        resolveDir: dirname(outfile),
      }));
    },
  };
  const contents = [
    `import ${JSON.stringify(path)};`,
    `export { cases, runCase } from "@manykv/conformance";`,
    `const kept = ${kept};`,
    "export { kept };",
  ];
  await build({
    stdin: { contents: contents.join("\n"), resolveDir: dirname(outfile) },
    bundle: true,
    packages: "external",
    platform: "node",
    // The manifests say that modules have no side effects, but the harnesses are one.
    ignoreAnnotations: true,
    format: "esm",
    target: "es2023",
    logLevel: "warning",
    plugins: [plugin],
    outfile,
  });
  return outfile;
}

async function conformanceText(root: string): Promise<string> {
  const dist = join(root, "conformance/dist");
  const files = (await readdir(dist, { recursive: true })).filter((name) => name.endsWith(".js")).sort();
  return (await Promise.all(files.map((name) => readFile(join(dist, name), "utf8")))).join("\n");
}
