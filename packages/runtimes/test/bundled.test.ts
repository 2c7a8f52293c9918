import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, expect, test } from "vitest";
import { application, run } from "./support/application.js";
import { bun } from "./support/binaries.js";
import { expectSuccess, servers, target } from "./support/targets.js";

const folder = mkdtempSync(join(tmpdir(), "manykv-bundled-"));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a bundle of `walk.mjs` outside the application's folder, so that it cannot load the application's packages. */
async function expectWalk(file: string, ...args: string[]): Promise<void> {
  const targets = [...servers.map((backend) => target(backend)), target("memory")];
  const ended = await run(file, args, { MANYKV_TARGETS: JSON.stringify(targets) }, { cwd: folder });
  expectSuccess(ended);
  expect(ended.output).toMatch(/^walked$/m);
}

test("a minified bundle works on every backend", async () => {
  const outfile = join(folder, "walk.mjs");
  await build({
    absWorkingDir: application,
    entryPoints: ["walk.mjs"],
    bundle: true,
    minify: true,
    platform: "node",
    format: "esm",
    outfile,
    logLevel: "error",
    // The client libraries are CommonJS modules that call `require`.
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  });
  await expectWalk(process.execPath, outfile);
});

test("a single executable of Bun works on every backend", async () => {
  const outfile = join(folder, "walk");
  expectSuccess(await run(bun(), ["build", "--compile", "--minify", "walk.mjs", "--outfile", outfile]));
  await expectWalk(outfile);
});
