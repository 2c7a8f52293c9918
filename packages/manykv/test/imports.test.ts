import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const manykv = new URL("../dist/index.js", import.meta.url).href;

// Prints the URL of every module that Node.js resolves.
const hooks = `import { writeSync } from "node:fs";
export async function resolve(specifier, context, next) {
  const resolved = await next(specifier, context);
  writeSync(1, resolved.url + "\\n");
  return resolved;
}`;

/** Runs a program in a new process and returns the workspace packages that it loads. */
async function packagesLoadedBy(program: string): Promise<Set<string>> {
  const register = `import { register } from "node:module"; register(${JSON.stringify(dataUrl(hooks))});`;
  const args = ["--import", dataUrl(register), "--input-type=module", "--eval", program];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const modules = stdout.split("\n").filter((url) => url.startsWith("file:"));
  return new Set(modules.map((url) => /\/packages\/([^/]+)\/dist\//.exec(url)?.[1] ?? url));
}

function dataUrl(code: string): string {
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

test("importing manykv and opening a memory store load only core and memory", async () => {
  const program = `const { openStore } = await import(${JSON.stringify(manykv)}); await openStore("memory:");`;
  expect(await packagesLoadedBy(program)).toEqual(new Set(["manykv", "core", "memory"]));
});
