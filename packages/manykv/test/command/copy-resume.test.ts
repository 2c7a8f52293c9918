import type { ChildProcess } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
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
const count = 20_000;
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
  readonly journal: string;
}

/** Prepares a copy to a new table. Small batches make it slow enough to be stopped in between. */
function newRun(): Run {
  const folder = temporaryFolder();
  const target = `${postgres}${randomName().replaceAll(/\W/g, "")}`;
  const journal = folder.path("journal.json");
  const args = ["copy", "-b", bucket, "--batch-size", "25", "--journal", journal, source.url, target];
  return { target, folder, args, journal };
}

function cursorOf(journal: string): string | undefined {
  return existsSync(journal) ? JSON.parse(readFileSync(journal, "utf8")).buckets[bucket]?.cursor : undefined;
}

/** Starts the copy, and ends it with a signal once its journal has a cursor. */
async function stopMidway({ args, journal }: Run, signal: NodeJS.Signals): Promise<Ended> {
  const child = startCommand(args);
  const ended = endOf(child);
  await expect.poll(() => cursorOf(journal), { timeout: 60_000, interval: 20 }).toBeDefined();
  child.kill(signal);
  return ended;
}

async function finish(run: Run, ...options: string[]): Promise<{ copied: number; equal: number; stderr: string }> {
  const { code, stdout, stderr } = await runCommand([...run.args, "--json", ...options]);
  expect(stderr).toContain("continuing the copy that began at");
  expect(code).toBe(0);
  expect(existsSync(run.journal)).toBe(false);
  return { ...JSON.parse(stdout.toString()), stderr };
}

async function expectSame({ target }: Run): Promise<void> {
  const compared = await runCommand(["compare", "-b", bucket, "--ttl-tolerance", "1s", "--json", source.url, target]);
  expect(compared.code).toBe(0);
  const { equal } = JSON.parse(compared.stdout.toString());
  // Redis may list a key twice.
  expect(equal).toBeGreaterThanOrEqual(count);
}

test.each([
  ["SIGKILL", null],
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("after %s, the copy continues where it stopped", async (signal, code) => {
  const run = newRun();
  const ended = await stopMidway(run, signal);
  expect(ended.code).toBe(code);
  if (code !== null) expect(ended.stderr).toContain("the copy is incomplete: to continue, run the same command again");
  const journal = readFileSync(run.journal, "utf8");
  for (const secret of [password, "stored-value", "redis://", "postgres://"]) expect(journal).not.toContain(secret);
  const { copied } = await finish(run);
  expect(copied).toBeLessThan(count);
  await expectSame(run);
});

test("killed several times at random while the source restarts, the copy completes and misses no record", async () => {
  const run = newRun();
  for (let round = 0; round < 5; round++) {
    const child = startCommand(run.args);
    const ended = endOf(child);
    await Promise.race([ended, setTimeout(300 + Math.random() * 1500)]);
    await kill(child, ended);
    await source.restart();
  }
  const { code, stderr } = await runCommand(run.args);
  expect(stderr).toMatch(/copied [\d,]+ records?, /);
  expect(code).toBe(0);
  await expectSame(run);
});

async function kill(child: ChildProcess, ended: Promise<Ended>): Promise<void> {
  child.kill("SIGKILL");
  await ended;
}

test("if the target lost its records, the copy starts over", async () => {
  const run = newRun();
  await stopMidway(run, "SIGKILL");
  expect(await runCommand(["clear", "-b", bucket, "--yes"], { store: run.target })).toMatchObject({ code: 0 });
  const { copied, stderr } = await finish(run);
  expect(stderr).toContain("TO no longer has the records that an earlier run copied");
  expect(copied).toBeGreaterThanOrEqual(count);
  await expectSame(run);
});

test("if the source rejects the cursor, the copy compares from the start", async () => {
  const run = newRun();
  await stopMidway(run, "SIGKILL");
  const journal = JSON.parse(readFileSync(run.journal, "utf8"));
  journal.buckets[bucket].cursor = "from another version";
  writeFileSync(run.journal, JSON.stringify(journal));
  const { copied, equal, stderr } = await finish(run);
  expect(stderr).toContain("FROM cannot continue its listing");
  expect(copied).toBeLessThan(count);
  expect(equal).toBeGreaterThan(0);
  await expectSame(run);
});

test("--restart copies everything again", async () => {
  const run = newRun();
  await stopMidway(run, "SIGKILL");
  const { code, stdout } = await runCommand([...run.args, "--restart", "--json"]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout.toString()).copied).toBeGreaterThanOrEqual(count);
  expect(run.folder.names()).toEqual([]);
});

test("the journal of one copy is not used for another", async () => {
  const run = newRun();
  await stopMidway(run, "SIGKILL");
  const others = [
    [...run.args, "--prefix", "key:1"],
    [...run.args, "--to-bucket", "other"],
    ["copy", "--all-buckets", "--journal", run.journal, source.url, run.target],
    ["copy", "-b", bucket, "--journal", run.journal, source.url, `${run.target}x`],
  ];
  for (const args of others)
    expect(await runCommand(args)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("belongs to another copy"),
    });
});

test("the default journal is in the working directory", async () => {
  const run = newRun();
  const args = run.args.filter((arg) => arg !== "--journal" && arg !== run.journal);
  const folder = run.folder.path(".");
  const child = startCommand(args, { folder });
  const ended = endOf(child);
  const name = (): string | undefined => readdirSync(folder).find((file) => /^\.manykv-copy-\w{12}\.json$/.test(file));
  await expect.poll(name, { timeout: 60_000, interval: 20 }).toBeDefined();
  await kill(child, ended);
  expect(await runCommand(args, { folder })).toMatchObject({ code: 0 });
  expect(run.folder.names()).toEqual([]);
});

test("--verify reports what a server that evicts keys has lost, and a warning precedes the copy", async () => {
  await using evicting = await startDedicatedRedis({
    args: ["--maxmemory", "3mb", "--maxmemory-policy", "allkeys-lru"],
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
