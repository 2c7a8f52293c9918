import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import type { SuiteResult } from "@manykv/conformance";
import { parseReport } from "@manykv/conformance/report";
import { startDedicatedRedis } from "@manykv/test-services";
import { expect, test } from "vitest";
import { endOf, runCommand, startCommand } from "../support/command.js";
import { storeUrls } from "../support/stores.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const folder = temporaryFolder();

/** A harness module that `manykv conformance --init` wrote, with some of its text replaced. */
async function harnessModule(name: string, ...replacements: (readonly [string, string])[]): Promise<string> {
  const path = folder.path(name);
  expect(await runCommand(["conformance", "--init", path])).toMatchObject({ code: 0 });
  let text = readFileSync(path, "utf8");
  for (const [from, to] of replacements) {
    expect(text).toContain(from);
    text = text.replace(from, to);
  }
  return folder.file(name, text);
}

function resultsOf({ results }: SuiteResult): Record<string, string> {
  return Object.fromEntries(results.map(({ id, status }) => [id, status]));
}

/** Cases of every kind: a plain one, one that breaks connections, and one that starts a process. */
const chosen = ["s04-order-of-keys", "s09-network-cut-before-answer", "same-process-with-open-store"];

test.each(Object.entries(storeUrls))("%s: the suite runs against the URL of a store", async (name, url) => {
  const args = ["conformance", url, "--json", "-", "--provision", "--only", ...chosen];
  const { code, stdout, stderr } = await runCommand(args);
  const result = parseReport(stdout.toString());
  expect(result.backend).toBe(name.replace("-", " "));
  expect(result.server).toBeDefined();
  expect(resultsOf(result)).toEqual(Object.fromEntries(["driver-smoke", ...chosen].map((id) => [id, "passed"])));
  expect(stderr).toContain("4 cases: 4 passed, 0 failed, 0 skipped");
  expect(code).toBe(0);
});

test("memory: the suite runs, and network cases do not apply", async () => {
  const { code, stdout } = await runCommand(["conformance", "memory:", "--rule", "s6", "s16", "--seed", "42"]);
  expect(stdout.toString()).toMatch(/^memory: memory \(in-process\)\n\n {2}S6 .*\n {2}S16 .*\n/);
  expect(stdout.toString()).toContain("the harness has no `servers`");
  expect(stdout.toString()).toContain(", 0 failed, ");
  expect(stdout.toString()).toMatch(/seed 42\n$/);
  expect(code).toBe(0);
});

test("without a target, the suite runs against MANYKV_STORE", async () => {
  const args = ["conformance", "--only", "s04-pairs", "--name", "my store"];
  const { code, stdout } = await runCommand(args, { store: "memory:" });
  expect(stdout.toString()).toMatch(/^my store: memory/);
  expect(code).toBe(0);
});

test("a store without its table is an error that names --provision's subcommand, and no case runs", async () => {
  const url = storeUrls.postgres.replace(/table=\w+/, "table=no_such_table");
  const { code, stdout, stderr } = await runCommand(["conformance", url]);
  expect(stderr).toMatch(/^manykv: .* `manykv provision` creates a table\.\n$/);
  expect(stdout.toString()).toBe("");
  expect(code).toBe(3);
});

test("the module that --init writes reaches the level outcomes", async () => {
  const path = await harnessModule("harness.mjs");
  const files = ["--json", folder.path("a.json"), "--junit", folder.path("a.xml"), "--html", folder.path("a.html")];
  const { code, stdout } = await runCommand(["conformance", path, "--level", "outcomes", ...files]);
  expect(stdout.toString()).toContain("Levels: batch passed, outcomes passed, abilities incomplete");
  expect(code).toBe(0);
  const { counts } = parseReport(readFileSync(folder.path("a.json"), "utf8"));
  expect(readFileSync(folder.path("a.xml"), "utf8")).toContain(`failures="0" errors="0" skipped="${counts.skipped}"`);
  expect(readFileSync(folder.path("a.html"), "utf8")).toContain(`<dd>${counts.passed}</dd>`);
});

test("a level is not reached if one of its cases is skipped on request", async () => {
  const args = ["conformance", "memory:", "--level", "batch", "--quiet", "--skip", "s04-pairs=not today"];
  const { code, stdout, stderr } = await runCommand(args);
  expect(stderr).toBe("manykv: the backend does not reach the level batch: some of its cases were skipped\n");
  expect(stdout.toString()).toBe("");
  expect(code).toBe(1);
});

test("--init - prints the module", async () => {
  const { code, stdout, stderr } = await runCommand(["conformance", "--init", "-"]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout.toString()).toContain("export default {");
});

test("--init does not replace a file", async () => {
  const path = folder.file("mine.mjs", "mine");
  const { code, stderr } = await runCommand(["conformance", "--init", path]);
  expect(stderr).toContain("exists: pass another name to --init");
  expect(readFileSync(path, "utf8")).toBe("mine");
  expect(code).toBe(4);
});

test("a failed case fails the run, and the report says how to replay it", async () => {
  const path = await harnessModule("broken.mjs", ["of keys) dataOf", "of keys.slice(1)) dataOf"]);
  const json = folder.path("broken.json");
  const { code, stdout, stderr } = await runCommand(["conformance", path, "--rule", "S7", "--json", json]);
  expect(code).toBe(1);
  const { results } = parseReport(readFileSync(json, "utf8"));
  const failed = results.filter(({ status }) => status === "failed");
  expect(failed.length).toBeGreaterThan(0);
  for (const { id, seed } of failed) {
    expect(stderr).toContain(`manykv: failed ${id}: `);
    expect(stdout.toString()).toContain(`Replay: manykv conformance ${path} --only ${id} --seed ${seed}\n`);
  }
});

test("the first lines about a driver that throws contain its error and stack", async () => {
  const path = await harnessModule("throwing.mjs", ["values: keys.map", "values: keys.nope.map"]);
  const { code, stdout } = await runCommand(["conformance", path]);
  const start = stdout.toString().split("\n").slice(0, 20).join("\n");
  expect(start).toContain("TypeError: Cannot read properties of undefined (reading 'map')");
  expect(start).toMatch(/ at .*throwing\.mjs:\d+/);
  expect(code).toBe(1);
});

test("a module can export a function, and is closed after the run", async () => {
  const path = await harnessModule(
    "function.mjs",
    ["export default {", "const harness = {"],
    [
      "export async function close() {}",
      'export default async () => harness;\nexport const close = () => console.log("closed");\n',
    ],
  );
  const { code, stdout } = await runCommand(["conformance", pathToFileURL(path).href, "--only", "s04-pairs"]);
  expect(stdout.toString()).toMatch(/2 passed, 0 failed.*\nclosed\n$/s);
  expect(code).toBe(0);
});

test("errors that no call reports fail the run, and a timer of the driver does not keep it alive", async () => {
  const path = await harnessModule("stray.mjs", [
    "async close() {},",
    `async close() {
      setInterval(() => {}, 1_000);
      Promise.reject(new Error("rejected in the void"));
      process.nextTick(() => { throw new Error("thrown in the void"); });
    },`,
  ]);
  const { code, stdout, stderr } = await runCommand(["conformance", path, "--only", "s04-pairs"]);
  expect(stdout.toString()).toContain("2 passed, 0 failed");
  expect(stdout.toString()).toContain("A promise rejection stayed unhandled: Error: rejected in the void");
  expect(stderr).toContain("thrown in the void");
  expect(code).toBe(1);
});

test("--skip reports its reason, and a run without a case fails", async () => {
  const skip = ["--skip", "s04-pairs=not today", "--rule", "S4"];
  const some = await runCommand(["conformance", "memory:", ...skip]);
  expect(some.stdout.toString()).toContain("Skipped 1 case: not today");
  expect(some.code).toBe(0);
  const none = await runCommand(["conformance", "memory:", "--only", "s04-pairs", "--skip", "s04-pairs=not today"]);
  expect(none.stderr).toContain("none of the chosen cases ran");
  expect(none.code).toBe(1);
});

test("report merges the results of several runs", async () => {
  const paths = ["one", "two"].map((name) => folder.path(`${name}.json`));
  for (const path of paths)
    await runCommand(["conformance", "memory:", "--rule", "S4", "--json", path, "--name", `store in ${path}`]);
  const html = await runCommand(["conformance", "report", ...paths, "--html", "-"]);
  for (const path of paths) expect(html.stdout.toString()).toContain(`<th scope="col">store in ${path}</th>`);
  const text = await runCommand(["conformance", "report", ...paths]);
  for (const path of paths) expect(text.stdout.toString()).toContain(`store in ${path}: memory`);
});

test("SIGINT stops the run, deletes its keys and writes what is known", async () => {
  await using server = await startDedicatedRedis();
  const json = folder.path("stopped.json");
  const child = startCommand(["conformance", server.url, "--json", json]);
  const ended = endOf(child);
  await new Promise((resolve) => child.stderr?.once("data", resolve)); // The line that says how many cases run.
  await setTimeout(1_000);
  child.kill("SIGINT");
  const { code, stdout } = await ended;
  expect(code).toBe(130);
  expect(stdout.toString()).toContain("The run is incomplete");
  const result = parseReport(readFileSync(json, "utf8"));
  expect(result.complete).toBe(false);
  expect(result.counts).toMatchObject({ failed: 0 });
  expect(result.counts.skipped).toBeGreaterThan(100);
  expect((await runCommand(["buckets"], { store: server.url })).stdout.toString()).toBe("");
});

test("the suite leaves no key behind", async () => {
  await using server = await startDedicatedRedis();
  const { code } = await runCommand(["conformance", server.url, "--rule", "S4", "S9", "S13", "S14"]);
  expect(code).toBe(0);
  expect((await runCommand(["buckets"], { store: server.url })).stdout.toString()).toBe("");
});

test("without @manykv/conformance, the message says what to install", async () => {
  const hooks = `export async function resolve(specifier, context, next) {
    if (!specifier.startsWith("@manykv/conformance")) return next(specifier, context);
    throw Object.assign(new Error("missing"), { code: "ERR_MODULE_NOT_FOUND" });
  }`;
  const register = `import { register } from "node:module"; register(${JSON.stringify(dataUrl(hooks))});`;
  const { code, stderr } = await runCommand(["conformance", "memory:"], { node: ["--import", dataUrl(register)] });
  expect(stderr).toContain("npm install @manykv/conformance");
  expect(code).toBe(2);
});

function dataUrl(code: string): string {
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

test.each([
  [["conformance"], "no target: pass a store URL or a module"],
  [["conformance", "mongodb://h"], "manykv has no driver for this URL"],
  [["conformance", "memory:", "--level", "best"], "Allowed choices are batch, outcomes, abilities"],
  [["conformance", "memory:", "--level", "batch", "--only", "s04-pairs"], "--level needs all cases of the level"],
  [["conformance", "memory:", "--only", "s04-order"], "did you mean s04-order-of-keys or "],
  [["conformance", "memory:", "--only", "s99"], "no case has the id s99: see docs/cases.md"],
  [["conformance", "memory:", "--rule", "S99"], "unknown rule: --rule takes S1, S2,"],
  [["conformance", "memory:", "--skip", "s04-pairs"], "--skip needs a case and a reason"],
  [["conformance", "memory:", "--skip", "s04=why"], "no case has the id s04: did you mean"],
  [["conformance", "memory:", "--seed", "-1"], "an integer of 0 or more"],
  [["conformance", "memory:", "--concurrency", "0"], "an integer of 1 or more"],
  [["conformance", "memory:", "--timeout", "soon"], "with a unit, such as 500ms"],
  [["conformance", "memory:", "--json", "a", "--html", "a"], "must name different files"],
  [["conformance", "memory:", "--json", "a", "--html", "./b/../a"], "must name different files"],
  [["conformance", "memory:", "--json", "-", "--html", "/dev/stdout"], "must name different files"],
  [["conformance", "report", "package.json", "--html", "./package.json"], "must name different files"],
  [["conformance", "memory:", "--json", "a", "--json", "b"], "is repeated"],
  [["conformance", "memory:", "--init"], "--init writes a module and runs nothing"],
  [["conformance", "report"], "missing required argument 'files'"],
  [["conformance", "report", "package.json"], "is not a result that manykv conformance --json wrote: `backend`"],
])("%j is a usage error", async (args, message) => {
  const { code, stderr, stdout } = await runCommand(args);
  expect(stderr).toContain(message);
  expect(stderr).not.toContain("    at ");
  expect(stdout.toString()).toBe("");
  expect(code).toBe(2);
});

test.each([
  ["nothing.mjs", "", "must export a harness as its default export"],
  ["invalid.mjs", 'export default { name: "x" };', "x: `driver` must be a function"],
  ["unknown.mjs", 'export default { name: "x", driver() {}, drivers: 1 };', "unknown field `drivers`"],
  ["throws.mjs", 'throw new Error("no engine");', "Error: no engine\n    at "],
  ["syntax.mjs", "export default {", "SyntaxError"],
])("a module that is no harness is a usage error: %s", async (name, text, message) => {
  const { code, stderr } = await runCommand(["conformance", folder.file(name, text)]);
  expect(stderr).toContain(message);
  expect(stderr).not.toContain("bug in manykv");
  expect(code).toBe(2);
});

test("a target that is neither a URL nor a file is an error that says what a target is", async () => {
  const { code, stderr } = await runCommand(["conformance", "redis"]);
  expect(stderr).toContain('cannot read "redis": no such file or directory. The target is a store URL, such as');
  expect(code).toBe(4);
});

test.each([
  [["conformance", "redis://me:topsecret@127.0.0.1:1"]],
  [["conformance", "memory:", "--only", "redis://me:topsecret@127.0.0.1:1"]],
  [["conformance", "memory:", "--skip", "redis://me:topsecret@127.0.0.1:1=why"]],
])("%j: the message does not contain the password", async (args) => {
  const { code, stderr } = await runCommand(args);
  expect(code).toBeGreaterThan(1);
  expect(stderr).not.toContain("topsecret");
});
