import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { Entry } from "@manykv/core";
import { randomName } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { Client } from "pg";
import { beforeAll, describe, expect, test } from "vitest";
import { openStore } from "../../src/index.js";
import { type Ended, type RunOptions, runCommand, withoutWarnings } from "../support/command.js";
import { storeUrls } from "../support/stores.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const folder = temporaryFolder();
const { redis, postgres, dynamodb } = storeUrls;
const hour = 3_600_000;

/** A busy machine may delay the requests that read or write a ttl. */
const tolerance = ["--ttl-tolerance", "30s"];

/** Runs `manykv copy` in the temporary folder. */
function copy(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return runCommand(["copy", ...args], { folder: folder.path("."), ...options });
}

function compare(...args: string[]): Promise<Ended> {
  return runCommand(["compare", ...args]);
}

async function fill(url: string, bucket: string, entries: readonly Entry[]): Promise<void> {
  await using store = await openStore(url);
  await store.provision();
  await (await store.open(bucket)).setMany(entries);
}

async function keysOf(url: string, bucket: string): Promise<string[]> {
  await using store = await openStore(url);
  const keys: string[] = [];
  for await (const key of (await store.open(bucket)).keys()) keys.push(key);
  return [...new Set(keys)].sort();
}

function entriesOf(count: number): Entry[] {
  return Array.from({ length: count }, (_, index) => [`k${index}`, Buffer.from(`value ${index}`)]);
}

const unusual: Entry[] = [
  ["", Buffer.from("the empty key")],
  ["\0\n\ud83d\ude00{}:", Buffer.from([0, 255, 10])],
  ["__proto__", Buffer.alloc(0)],
  ["large", Buffer.alloc(300_000, 7)],
  ["expires", Buffer.from("soon"), { ttl: hour }],
  ["expires later", Buffer.from("later"), { ttl: 48 * hour }],
];

beforeAll(async () => {
  for (const store of [postgres, dynamodb]) await runCommand(["provision"], { store });
});

describe.each([
  ["redis", "postgres"],
  ["postgres", "dynamodb"],
  ["dynamodb", "redis-cluster"],
] as const)("from %s to %s", (from, to) => {
  test("every record arrives with its remaining ttl", async () => {
    const bucket = randomName();
    const entries = [...entriesOf(1500), ...unusual];
    await fill(storeUrls[from], bucket, entries);
    const { code, stderr } = await copy(["-b", bucket, storeUrls[from], storeUrls[to]]);
    expect(withoutWarnings(stderr)).toMatch(/^manykv: copied 1,506 records, .* in .* s\n$/);
    expect(code).toBe(0);
    expect(await keysOf(storeUrls[to], bucket)).toEqual(entries.map(([key]) => key).sort());
    const compared = await compare("-b", bucket, ...tolerance, storeUrls[from], storeUrls[to]);
    expect(compared).toMatchObject({ code: 0, stderr: expect.stringContaining("1,506 equal records") });
  });
});

test("the table of the target is created, unless --no-provision is passed", async () => {
  const bucket = randomName();
  await fill(redis, bucket, entriesOf(3));
  const target = `${postgres}new`;
  const refused = await copy(["-b", bucket, "--no-provision", redis, target]);
  expect(withoutWarnings(refused.stderr)).toMatch(/^manykv: TO: .*no-such-store/m);
  expect(refused.code).toBe(3);
  expect(await copy(["-b", bucket, redis, target])).toMatchObject({ code: 0 });
  expect(await keysOf(target, bucket)).toEqual(["k0", "k1", "k2"]);
});

test("--dry-run says what it would copy, and writes neither records, nor a table, nor a journal", async () => {
  const bucket = randomName();
  await fill(redis, bucket, entriesOf(10));
  const empty = temporaryFolder();
  const target = `${postgres}dry`;
  const { code, stderr } = await copy(["-b", bucket, "--dry-run", redis, target], { folder: empty.path(".") });
  expect(stderr).toBe("manykv: would copy 10 records, 90 bytes\n");
  expect(code).toBe(0);
  expect(empty.names()).toEqual([]);
  expect(await runCommand(["count"], { store: target })).toMatchObject({ code: 3 });
});

test("--update copies what is missing or different, and counts what is equal", async () => {
  const bucket = randomName();
  const entries = entriesOf(2500);
  await fill(redis, bucket, [...entries, ["ttl", Buffer.from("1"), { ttl: hour }]]);
  await fill(postgres, bucket, [
    ...entries.slice(2),
    ["k5", Buffer.from("old")],
    ["ttl", Buffer.from("1")],
    ["only in the target", Buffer.from("1")],
  ]);
  const args = ["-b", bucket, "--update", redis, postgres];
  expect((await copy([...args, "--dry-run"])).stderr).toContain("would copy 4 records, 2,497 equal,");
  const updated = await copy([...args, "--json"]);
  expect(JSON.parse(updated.stdout.toString())).toMatchObject({ copied: 4, equal: 2497, complete: true });
  expect(withoutWarnings(updated.stderr)).toBe("");
  const compared = await compare("-b", bucket, ...tolerance, "--json", redis, postgres);
  expect(JSON.parse(compared.stdout.toString())).toEqual({
    equal: 2501,
    "only-in-a": 0,
    "only-in-b": 1,
    value: 0,
    ttl: 0,
    complete: true,
  });
});

test("several buckets, all buckets, a prefix and another name", async () => {
  const [one, two] = [randomName(), randomName()];
  await fill(redis, one, [["a:1", Buffer.from("1")], ...entriesOf(2)]);
  await fill(redis, two, [["a:2", Buffer.from("2")]]);
  // `--bucket` takes all arguments that follow it, but a URL cannot be the name of a bucket.
  expect(await copy(["--bucket", one, two, redis, postgres])).toMatchObject({ code: 0 });
  expect(await keysOf(postgres, one)).toEqual(["a:1", "k0", "k1"]);
  expect(await keysOf(postgres, two)).toEqual(["a:2"]);
  expect(await copy(["-b", one, "--to-bucket", `${one}.new`, redis, redis])).toMatchObject({ code: 0 });
  expect(await keysOf(redis, `${one}.new`)).toEqual(["a:1", "k0", "k1"]);
  const target = `${postgres}all`;
  // The prefix keeps the records of other tests out.
  expect(await copy(["--all-buckets", "--prefix", "a:", redis, target])).toMatchObject({ code: 0 });
  expect(await keysOf(target, one)).toEqual(["a:1"]);
  expect(await keysOf(target, two)).toEqual(["a:2"]);
});

test("URLs can come from the environment", async () => {
  const bucket = randomName();
  await fill(redis, bucket, entriesOf(1));
  process.env["MANYKV_FROM"] = redis;
  process.env["MANYKV_TO"] = postgres;
  try {
    expect(await copy(["-b", bucket])).toMatchObject({ code: 0 });
  } finally {
    delete process.env["MANYKV_FROM"];
    delete process.env["MANYKV_TO"];
  }
  expect(await keysOf(postgres, bucket)).toEqual(["k0"]);
});

test("records over the limits of the target are reported, and the others arrive", async () => {
  const bucket = randomName();
  await fill(redis, bucket, [...entriesOf(600), ["large", Buffer.alloc(500_000, "s")]]);
  const report = folder.path("limits.ndjson");
  const args = ["-b", bucket, redis, dynamodb, "--report", report];
  const stopped = await copy(args);
  expect(stopped.code).toBe(1);
  expect(stopped.stderr).toContain("the copy is incomplete: to continue, run the same command again");
  const { code, stderr } = await copy([...args, "--on-error", "continue"]);
  const reason = /its value has 500000 bytes, and the store's limit is \d+/;
  expect(stderr).toMatch(new RegExp(`bucket "${bucket}", key "large": not applied: ${reason.source}\n`));
  expect(stderr).toContain("1 not applied, 0 unknown");
  expect(code).toBe(1);
  const [failure, last, ...others] = readFileSync(report, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(failure).toEqual({
    bucket,
    key: "large",
    outcome: "not-applied",
    code: "too-large",
    reason: expect.stringMatching(reason),
  });
  expect(last.totals).toMatchObject({ "not-applied": 1, unknown: 0, complete: true });
  expect(others).toEqual([]);
  expect(await keysOf(dynamodb, bucket)).toHaveLength(600);
});

test("a key that expires is not copied as one that does not", async () => {
  const bucket = randomName();
  await fill(redis, bucket, [
    ["short", Buffer.from("1"), { ttl: 1 }],
    ["long", Buffer.from("1"), { ttl: hour }],
  ]);
  await fill(postgres, bucket, [["unrelated", Buffer.from("1")]]);
  expect(await copy(["-b", bucket, redis, postgres])).toMatchObject({ code: 0 });
  expect(await keysOf(postgres, bucket)).toEqual(["long", "unrelated"]);
});

test("a target that cannot expire keys: the copy fails, and no record with a ttl is written", async () => {
  const bucket = randomName();
  await fill(redis, bucket, [["expires", Buffer.from("1"), { ttl: hour }]]);
  const table = randomName();
  const client = new Client({ connectionString: serviceUrl("postgres") });
  await client.connect();
  await client.query(`CREATE TABLE ${table} (key bytea PRIMARY KEY, value bytea NOT NULL)`);
  await client.end();
  const target = `${serviceUrl("postgres")}?table=${table}`;
  const args = ["-b", bucket, redis, target];
  const { code, stderr } = await copy([...args, "--no-provision"]);
  expect(stderr).toMatch(/^manykv: TO: .*unsupported \(.*`manykv provision`/m);
  expect(code).toBe(3);
  expect(await keysOf(target, bucket)).toEqual([]);
  expect(await copy(args)).toMatchObject({ code: 0 });
  expect(await keysOf(target, bucket)).toEqual(["expires"]);
});

test("a bucket without keys is no success, unless --allow-empty is passed", async () => {
  const bucket = randomName();
  await fill(redis, bucket, entriesOf(1));
  const mistyped = `x${bucket}`;
  const { code, stderr } = await copy(["-b", mistyped, redis, postgres]);
  expect(code).toBe(1);
  expect(stderr).toContain(`FROM: the bucket "${mistyped}" has no keys: did you mean "${bucket}"?\n`);
  expect(await copy(["-b", mistyped, "--allow-empty", redis, postgres])).toMatchObject({ code: 0 });
  const prefixed = await copy(["-b", bucket, "--prefix", "z", redis, postgres]);
  expect(prefixed.stderr).toContain(`FROM: the bucket "${bucket}" has no keys that start with "z"\n`);
  expect(prefixed.code).toBe(1);
});

test("export of a bucket without keys fails and does not replace a file, unless --allow-empty is passed", async () => {
  const bucket = randomName();
  await fill(redis, bucket, entriesOf(1));
  const file = folder.file("backup.ndjson", "the last backup\n");
  const { code, stderr } = await runCommand(["export", "-b", `${bucket}x`, file], { store: redis });
  expect(stderr).toBe(`manykv: the bucket "${bucket}x" has no keys: did you mean "${bucket}"?\n`);
  expect(code).toBe(1);
  expect(readFileSync(file, "utf8")).toBe("the last backup\n");
  const args = ["export", "-b", `${bucket}x`, "--allow-empty", file];
  expect(await runCommand(args, { store: redis })).toMatchObject({ code: 0 });
  expect(readFileSync(file, "utf8")).toBe("");
});

test("import --provision creates the table first", async () => {
  const store = `${postgres}imported`;
  const input = '{"key":"k","value":"v"}\n';
  expect(await runCommand(["import"], { store, input })).toMatchObject({ code: 3 });
  expect(await runCommand(["import", "--provision"], { store, input })).toMatchObject({ code: 0 });
  expect(await keysOf(store, "default")).toEqual(["k"]);
});

test.each([
  ["the same URL twice", [redis, redis], /FROM and TO are the same store: pass another store/],
  ["two names of one host", [redis, redis.replace("127.0.0.1", "localhost")], /FROM and TO are the same store/],
  ["two schemes of one store", [postgres, postgres.replace("postgres:", "postgresql:")], /are the same store/],
  ["the same bucket of one store", [redis, redis, "--to-bucket", "default"], /FROM and TO are the same store/],
  [
    "one name for all buckets",
    [redis, postgres, "--to-bucket", "x", "--all-buckets"],
    /--to-bucket renames one bucket/,
  ],
  ["--dry-run with --verify", [redis, postgres, "--dry-run", "--verify"], /pass either --dry-run or --verify/],
  ["a journal on standard output", [redis, postgres, "--journal", "-"], /--journal needs a file/],
  ["a journal on /dev/stdout", [redis, postgres, "--journal", "/dev/stdout"], /--journal needs a file/],
  [
    "one file for the journal and the report",
    [redis, postgres, "--journal", folder.path("same"), "--report", folder.path("./same")],
    /--journal and --report must name different files/,
  ],
  ["one URL", [redis], /no store URL for TO/],
])("%s: the copy is rejected", async (_, args, message) => {
  expect(await copy(args)).toMatchObject({ code: 2, stderr: expect.stringMatching(message) });
});

test("a file that is no journal of this copy is not used", async () => {
  const bucket = randomName();
  await fill(redis, bucket, entriesOf(1));
  const journal = folder.file("journal.json", "{}");
  const args = ["-b", bucket, "--journal", journal, redis, postgres];
  expect(await copy(args)).toMatchObject({ code: 2, stderr: expect.stringContaining("is not a journal") });
  const other = { journal: "manykv copy", version: 1, copy: "another", startedAt: "2026-01-01", buckets: {} };
  writeFileSync(journal, JSON.stringify(other));
  const refused = await copy(args);
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("belongs to another copy") });
  expect(JSON.parse(readFileSync(journal, "utf8"))).toEqual(other);
  const missing = await copy(["-b", bucket, "--journal", folder.path("missing/journal.json"), redis, postgres]);
  expect(missing).toMatchObject({ code: 4, stderr: expect.stringContaining("cannot write") });
});

test("a copy that is complete leaves no journal", async () => {
  const bucket = randomName();
  await fill(redis, bucket, entriesOf(1));
  const empty = temporaryFolder();
  expect(await copy(["-b", bucket, redis, postgres], { folder: empty.path(".") })).toMatchObject({ code: 0 });
  expect(readdirSync(empty.path("."))).toEqual([]);
});
