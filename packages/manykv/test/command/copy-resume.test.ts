import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { type DedicatedRedis, randomName, startDedicatedRedis } from "@manykv/test-services";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openStore } from "../../src/index.js";
import { type Ended, endOf, runCommand, startCommand } from "../support/command.js";
import { storeUrls } from "../support/stores.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const { postgres } = storeUrls;
const password = "secret-of-the-source";
const bucket = randomName();
const count = 8000;
const value = "stored-value-".repeat(8);
let source: DedicatedRedis;

beforeAll(async () => {
  source = await startDedicatedRedis({ durable: true, password });
  await using store = await openStore(source.url);
  const opened = await store.open(bucket);
  const numbers = Array.from({ length: count }, (_, index) => index);
  await opened.setMany(
    numbers.map((n) => [`key:${n}`, Buffer.from(`${value}${n}`), n % 3 === 0 ? { ttl: 3_600_000 + n } : {}]),
    { timeout: 60_000 },
  );
});

afterAll(() => source.stop());

interface Run {
  readonly target: string;
  readonly folder: ReturnType<typeof temporaryFolder>;
  readonly args: readonly string[];
}

/** Prepares a copy to a new table. Small batches make it slow enough to be stopped in between. */
function newRun(): Run {
  const target = `${postgres}${randomName()}`;
  const args = ["copy", "-b", bucket, "--batch-size", "10", source.url, target];
  return { target, folder: temporaryFolder(), args };
}

/** Returns the path of the journal in the working directory. */
function journalOf({ folder }: Run): string {
  const name = folder.names().find((file) => /^\.manykv-copy-\w{12}\.json$/.test(file));
  return folder.path(name ?? "no journal");
}

function cursorOf(run: Run): string | undefined {
  const journal = journalOf(run);
  return existsSync(journal) ? JSON.parse(readFileSync(journal, "utf8")).buckets[bucket]?.cursor : undefined;
}

function resume(run: Run, ...options: string[]): Promise<Ended> {
  return runCommand([...run.args, ...options], { folder: run.folder.path(".") });
}

/** Starts the copy, and ends it with a signal once its journal has a cursor. */
async function stopMidway(run: Run, signal: NodeJS.Signals): Promise<Ended> {
  const child = startCommand(run.args, { folder: run.folder.path(".") });
  const ended = endOf(child);
  await expect.poll(() => cursorOf(run), { timeout: 60_000, interval: 20 }).toBeDefined();
  child.kill(signal);
  return ended;
}

/** Runs the copy again until it is complete. */
async function finish(run: Run): Promise<{ copied: number; equal: number; stderr: string }> {
  const { code, stdout, stderr } = await resume(run, "--json");
  expect(stderr).toContain("continuing the copy that began at");
  expect(code).toBe(0);
  expect(run.folder.names()).toEqual([]);
  return { ...JSON.parse(stdout.toString()), stderr };
}

async function expectSame({ target }: Run): Promise<void> {
  // A busy machine may delay the requests that read or write a ttl.
  const args = ["-b", bucket, "--ttl-tolerance", "30s", "--json", source.url, target];
  const compared = await runCommand(["compare", ...args]);
  expect(compared).toMatchObject({ code: 0 });
  // Redis may list a key twice.
  expect(JSON.parse(compared.stdout.toString()).equal).toBeGreaterThanOrEqual(count);
}

test.each([
  ["SIGKILL", null],
  ["SIGINT", 130],
] as const)("after %s, the copy continues where it stopped", async (signal, code) => {
  const run = newRun();
  const ended = await stopMidway(run, signal);
  expect(ended.code).toBe(code);
  if (code !== null) expect(ended.stderr).toContain("the copy is incomplete: to continue, run the same command again");
  const journal = readFileSync(journalOf(run), "utf8");
  for (const secret of [password, "stored-value", "redis://", "postgres://"]) expect(journal).not.toContain(secret);
  expect((await finish(run)).copied).toBeLessThan(count);
  await expectSame(run);
});

test("killed several times at random while the source restarts, the copy completes and misses no record", async () => {
  const run = newRun();
  for (let round = 0; round < 4; round++) {
    const child = startCommand(run.args, { folder: run.folder.path(".") });
    const ended = endOf(child);
    await Promise.race([ended, setTimeout(300 + Math.random() * 1500)]);
    child.kill("SIGKILL");
    await ended;
    await source.restart();
  }
  expect(await resume(run)).toMatchObject({ code: 0 });
  await expectSame(run);
});

test("if the target lost its records, the copy starts over", async () => {
  const run = newRun();
  await stopMidway(run, "SIGKILL");
  expect(await runCommand(["clear", "-b", bucket, "--yes"], { store: run.target })).toMatchObject({ code: 0 });
  const { copied, stderr } = await finish(run);
  expect(stderr).toContain("TO no longer has the records that an earlier run copied");
  expect(copied).toBeGreaterThanOrEqual(count);
});

test("if the source rejects the cursor, the copy compares from the start", async () => {
  const run = newRun();
  await stopMidway(run, "SIGKILL");
  const journal = JSON.parse(readFileSync(journalOf(run), "utf8"));
  journal.buckets[bucket].cursor = "from another version";
  writeFileSync(journalOf(run), JSON.stringify(journal));
  const { copied, equal, stderr } = await finish(run);
  expect(stderr).toContain("FROM cannot continue its listing");
  expect(copied).toBeLessThan(count);
  expect(equal).toBeGreaterThan(0);
  await expectSame(run);
});

test("a journal is not used for another copy, and --restart ignores it", async () => {
  const run = newRun();
  await stopMidway(run, "SIGKILL");
  const journal = ["--journal", journalOf(run)];
  const others = [
    [...run.args, ...journal, "--prefix", "key:1"],
    [...run.args, ...journal, "--to-bucket", "other"],
    ["copy", "--all-buckets", ...journal, source.url, run.target],
    ["copy", "-b", bucket, ...journal, source.url, `${run.target}x`],
  ];
  const refused = { code: 2, stderr: expect.stringContaining("belongs to another copy") };
  expect(await Promise.all(others.map((args) => runCommand(args)))).toMatchObject(others.map(() => refused));
  const { code, stdout } = await resume(run, "--restart", "--json");
  expect(code).toBe(0);
  expect(JSON.parse(stdout.toString()).copied).toBeGreaterThanOrEqual(count);
  expect(run.folder.names()).toEqual([]);
});

test("--verify reports what a server that evicts keys has lost, and a warning precedes the copy", async () => {
  await using evicting = await startDedicatedRedis({
    args: ["--maxmemory", "2mb", "--maxmemory-policy", "allkeys-lru"],
  });
  const { code, stderr, stdout } = await runCommand(
    ["copy", "-b", bucket, "--verify", "--json", source.url, evicting.url],
    { folder: temporaryFolder().path(".") },
  );
  expect(stderr).toContain(
    "warning: TO: When memory is full, the server deletes keys, because `maxmemory-policy` is allkeys-lru",
  );
  expect(stderr).toMatch(/key "key:\d+": different after the copy: missing\n/);
  expect(code).toBe(1);
  const { different, copied } = JSON.parse(stdout.toString());
  expect(copied).toBeGreaterThanOrEqual(count);
  expect(different).toBeGreaterThan(0);
  const input = '{"key":"k","value":"v"}\n';
  const imported = await runCommand(["import"], { store: evicting.url, input });
  expect(imported.stderr).toMatch(
    /^manykv: warning: .*`maxmemory-policy` is allkeys-lru: .*\n(.*\n)*manykv: imported 1 record/,
  );
});
