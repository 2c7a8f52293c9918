import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { randomName, startDedicatedRedis } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import pg from "pg";
import { expect, test } from "vitest";
import type { BenchResult } from "../../src/command/bench/result.js";
import { type Ended, endOf, runCommand, runOnTerminal, startCommand } from "../support/command.js";
import { storeUrls } from "../support/stores.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const folder = temporaryFolder();

/** Options of a run that takes little time. */
const small = ["--sizes", "1,3", "--rounds", "3"];

/** Options of a run that does not end by itself before a test ends it. */
const endless = ["--sizes", "100", "--rounds", "1000000", "--max-keys", "1000000000", "--duration", "1h"];

/** A table of the real Postgres that only one test uses. */
function newTable(): { readonly name: string; readonly url: string } {
  const name = randomName();
  return { name, url: `${serviceUrl("postgres")}?table=${name}` };
}

async function bucketsOf(url: string): Promise<string[]> {
  const { stdout } = await runCommand(["buckets"], { store: url });
  return stdout
    .toString()
    .split("\n")
    .filter((name) => name.startsWith("manykv-bench-"));
}

test.each(Object.entries(storeUrls))("%s: a run measures every operation and leaves no key", async (name, url) => {
  const { code, stdout, stderr } = await runCommand(["bench", url, ...small, "--provision", "--json", "-"]);
  expect(code, stderr).toBe(0);
  const result = JSON.parse(stdout.toString()) as BenchResult;
  const [deployment] = result.deployments;
  expect(result).toMatchObject({
    format: 1,
    manykv: "0.0.0",
    machine: { node: process.version },
    options: { sizes: [1, 3], operations: ["set", "get", "delete"], valueBytes: 100, concurrency: 1, rounds: 3 },
  });
  expect(deployment).toMatchObject({ driver: name.split("-", 1)[0], keysWritten: 4 * (2 * 1 + 2 * 3) });
  expect(deployment?.results.map(({ operation, size, rounds }) => [operation, size, rounds])).toEqual(
    [1, 3].flatMap((size) => ["set", "get", "delete"].map((operation) => [operation, size, 3])),
  );
  for (const { size, batch, single, speedup } of deployment?.results ?? []) {
    for (const { p5, p25, p50, p75, p95 } of [batch.milliseconds, single.milliseconds, speedup]) {
      expect(p5).toBeGreaterThan(0);
      expect([p25, p50, p75, p95]).toEqual([p25, p50, p75, p95].sort((one, other) => one - other));
      expect(p25).toBeGreaterThanOrEqual(p5);
    }
    expect(batch.keysPerSecond).toBeCloseTo((1000 * size) / batch.milliseconds.p50, 6);
  }
  expect(stderr).toMatch(/^manykv: writes at most 32 keys of 100 bytes to the store, in a bucket named manykv-bench-/);
  expect(stderr).toMatch(/^delete {3,}3 /m);
  expect(await bucketsOf(url)).toEqual([]);
});

test("one run compares two deployments, and no password is in its output", async () => {
  const { url } = newTable();
  expect(url).toMatch(/\/\/\w+:\w+@/);
  const password = new URL(url).password;
  const files = ["--json", folder.path("two.json"), "--html", folder.path("two.html")];
  const args = ["bench", storeUrls.redis, url, ...small, "--operations", "get", "--concurrency", "2", "--provision"];
  const { code, stdout, stderr } = await runCommand([...args, ...files]);
  expect(code, stderr).toBe(0);
  const json = readFileSync(folder.path("two.json"), "utf8");
  const { deployments } = JSON.parse(json) as BenchResult;
  expect(deployments.map(({ label }) => label)).toEqual(["redis", "postgresql"]);
  expect(deployments[1]?.name).toBe(`postgres://${new URL(url).host}${new URL(url).pathname}`);
  expect(deployments.map(({ keysWritten }) => keysWritten)).toEqual([64, 64]);
  for (const { results } of deployments) expect(results.map(({ operation }) => operation)).toEqual(["get", "get"]);
  const html = readFileSync(folder.path("two.html"), "utf8");
  for (const text of [json, html, stdout.toString(), stderr]) expect(text).not.toContain(password);
  expect(stdout.toString()).toMatch(/^ +keys +redis: batch ms .* postgresql: batch ms .*\n/m);
});

test("a run that compares a store with itself keeps the keys apart", async () => {
  const args = [
    "bench",
    storeUrls.redis,
    storeUrls.redis,
    ...small,
    "--quiet",
    "--json",
    "-",
    "--names",
    "before,after",
  ];
  const { code, stdout, stderr } = await runCommand(args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const { deployments } = JSON.parse(stdout.toString()) as BenchResult;
  expect(deployments.map(({ name, label }) => [name, label])).toEqual([
    ["before", "before"],
    ["after", "after"],
  ]);
  expect(await bucketsOf(storeUrls.redis)).toEqual([]);
});

test("in a pipe, the output has no control characters", async () => {
  const { code, stdout, stderr } = await runCommand(["bench", ...small], { store: "memory:" });
  expect(code).toBe(0);
  expect(stdout.toString()).toMatch(
    /^memory: memory:, memory, in-process, round trip .* ms .*\n\n +keys .*\n-+ .*\nset +1 /,
  );
  expect(stdout.toString()).toMatch(/\n\nmemory: batches are faster than single calls: set (from \d|at no size)/);
  expect(stdout.toString() + stderr).not.toMatch(/[^\P{Cc}\n]/u);
});

test("on a terminal, the table shows each size when it is measured, and the complete table replaces it", async () => {
  const slow = ["--sizes", "1,2", "--rounds", "1000000", "--max-keys", "1000000000", "--duration", "1s"];
  const { code, stdout } = await runOnTerminal(`manykv bench memory: ${slow.join(" ")}`);
  const screens = stdout.toString().split("\x1b[0J");
  expect(screens[1]).toMatch(/^measuring 1 key: round \d+ of at most 1,?\d+\r\n/);
  const halfWay = screens.find((screen) => screen.includes("measuring 2 keys"));
  expect(halfWay).toMatch(/set +1 +\d.*\r\nset +2\r\n/);
  expect(screens.at(-1)).toMatch(/^memory: memory:, .*set +1 +\d.*\r\nset +2 +\d/s);
  expect(code).toBe(0);
});

test("--quiet prints nothing", async () => {
  const { code, stdout, stderr } = await runCommand(["bench", "memory:", ...small, "--quiet"]);
  expect({ code, stdout: stdout.toString(), stderr }).toEqual({ code: 0, stdout: "", stderr: "" });
});

test.each(["SIGINT", "SIGTERM"] as const)("%s stops the run and deletes its keys", async (signal) => {
  await using server = await startDedicatedRedis();
  const json = folder.file(`${signal}.json`, "old");
  const child = startCommand(["bench", server.url, ...endless, "--json", json]);
  const ended = endOf(child);
  await new Promise((resolve) => child.stderr?.once("data", resolve)); // The line that says how many keys it writes.
  await expect.poll(() => bucketsOf(server.url), { timeout: 60_000 }).toHaveLength(1);
  child.kill(signal);
  const { code, stdout, stderr } = await ended;
  expect(code).toBe(signal === "SIGINT" ? 130 : 143);
  expect(stderr).toMatch(/^manykv: writes at most .*\nmanykv: the command was stopped\n$/);
  expect(stdout.toString()).toBe("");
  expect(readFileSync(json, "utf8")).toBe("old");
  expect(await bucketsOf(server.url)).toEqual([]);
});

test("a server that fails during the run is an error, and the message says which keys may remain", async () => {
  const server = await startDedicatedRedis();
  const child = startCommand(["bench", server.url, "--timeout", "2s", ...endless]);
  const ended = endOf(child);
  await new Promise((resolve) => child.stderr?.once("data", resolve));
  await setTimeout(500);
  await server[Symbol.asyncDispose]();
  const { code, stderr } = await ended;
  expect(code).toBe(3);
  const name = server.url.replaceAll(".", "\\.");
  expect(stderr).toMatch(new RegExp(`\nmanykv: ${name}: (get|set|delete|exists)\\w* .*redis`));
  const clear = "To delete them, run `manykv clear --bucket manykv-bench-\\w+-1 --yes` with the URL of this store\n";
  expect(stderr).toMatch(new RegExp(`\nmanykv: ${name}: up to \\d+ keys may remain, because .*\\. ${clear}`));
});

/** Runs a benchmark on a Postgres table with a trigger. */
async function benchWithTrigger(event: string, body: (table: string) => string): Promise<Ended> {
  const { name, url } = newTable();
  expect(await runCommand(["provision"], { store: url })).toMatchObject({ code: 0 });
  const pool = new pg.Pool({ connectionString: serviceUrl("postgres") });
  await pool.query(`CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body(name)} END $$`);
  await pool.query(`CREATE TRIGGER wrong ${event} ON ${name} FOR EACH ROW EXECUTE FUNCTION ${name}()`);
  const ended = await runCommand(["bench", url, ...small, "--json", folder.path("wrong.json")]);
  await pool.query(`DROP TABLE ${name}; DROP FUNCTION ${name}`);
  await pool.end();
  expect(ended.stdout.toString()).toBe("");
  expect(folder.names()).not.toContain("wrong.json");
  return ended;
}

test("a wrong value is an error", async () => {
  const { code, stderr } = await benchWithTrigger("BEFORE INSERT", () => "NEW.value = 'x'::bytea; RETURN NEW;");
  expect(stderr).toMatch(/: wrong answer: get(Many)? returned a wrong value, with 1 key\n/);
  expect(code).toBe(1);
});

test("a key that exists after it was deleted is an error", async () => {
  const restore = (table: string): string => `INSERT INTO ${table} VALUES (OLD.*); RETURN NULL;`;
  const { code, stderr } = await benchWithTrigger("AFTER DELETE", restore);
  expect(stderr).toMatch(/: wrong answer: 2 keys of the bucket manykv-bench-\w+-1 exist after they were deleted\n/);
  expect(code).toBe(1);
});

test("a store that refuses to delete is an error, and the message says which keys may remain", async () => {
  const { code, stderr } = await benchWithTrigger("BEFORE DELETE", () => "RETURN NULL;");
  expect(stderr).toMatch(
    /: up to 2 keys may remain, because .* check its triggers, .*manykv clear --bucket manykv-bench-\w+-1/,
  );
  expect(code).toBe(2);
});

test("a missing table is an error that names the store and says what to do", async () => {
  const { url } = newTable();
  const { code, stderr } = await runCommand(["bench", storeUrls.redis, url, ...small]);
  expect(stderr).toMatch(/^manykv: postgres:\/\/[\w.:/]+: .*`manykv provision` creates a table\.\n$/);
  expect(code).toBe(3);
});

test.each([
  [[], "no store URL: pass one or more, or set MANYKV_STORE"],
  [["mongodb://h"], 'unknown URL scheme "mongodb:"'],
  [["memory:", "--sizes", "1,x"], "an integer of 1 or more"],
  [["memory:", "--sizes", "0"], "an integer of 1 or more"],
  [["memory:", "--operations", "get,put"], "Pass one or more of set, get, delete, separated by commas"],
  [["memory:", "--duration", "long"], "with a unit, such as 500ms"],
  [
    ["memory:", "--max-keys", "100"],
    "these sizes need 13416 keys for each store: pass --max-keys 13416, or lower --sizes",
  ],
  [["memory:", "--value-bytes", "1000000"], "do not fit in memory: lower --value-bytes"],
  [["memory:", "memory:", "--names", "one"], "--names needs a different name for each store"],
  [["memory:", "memory:", "--names", "one,one"], "--names needs a different name for each store"],
  [Array(7).fill("memory:"), "pass at most 6 stores"],
  [["memory:", "--json", "a", "--html", "a"], "--json and --html must name different files"],
  [["memory:", "--rounds", "3", "--rounds", "4"], "is repeated"],
])("bench %j is a usage error", async (args, message) => {
  const { code, stdout, stderr } = await runCommand(["bench", ...args]);
  expect(stderr).toContain(message);
  expect(stderr).not.toContain("    at ");
  expect(stdout.toString()).toBe("");
  expect(code).toBe(2);
});

test.each([13_416, 20_000, 100_000])("a run with --max-keys %d writes no more keys", async (maxKeys) => {
  const args = ["bench", "memory:", "--quiet", "--json", "-", "--max-keys", `${maxKeys}`];
  const { code, stdout } = await runCommand(args);
  const { deployments } = JSON.parse(stdout.toString()) as BenchResult;
  expect(deployments[0]?.keysWritten).toBeLessThanOrEqual(maxKeys);
  expect(deployments[0]?.results.every(({ rounds }) => rounds >= 5)).toBe(true);
  expect(code).toBe(0);
});
