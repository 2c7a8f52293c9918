import { readdirSync, readFileSync } from "node:fs";
import { CreateTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { StoreDescription } from "@manykv/core";
import {
  answering,
  type DedicatedPostgres,
  RespProxy,
  randomName,
  startDedicatedPostgres,
  startDedicatedRedis,
  startDedicatedRedisCluster,
  without,
} from "@manykv/test-services";
import { Redis } from "ioredis";
import pg from "pg";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { openStore } from "../../src/index.js";
import { endOf, runCommand, startCommand } from "../support/command.js";
import { dynamodbEndpoint, storeUrls } from "../support/stores.js";

interface Checkup extends StoreDescription {
  readonly latency: Readonly<Record<"calls" | "median" | "low" | "high" | "slowest", number>> | null;
  readonly operations: readonly { readonly name: string; readonly status: string; readonly message?: string }[];
}

/** Runs `manykv doctor --json` and returns its result and its exit code. */
async function examine(url: string, ...args: string[]): Promise<{ checkup: Checkup; code: number | null }> {
  const { code, stdout, stderr } = await runCommand(["doctor", url, "--json", ...args]);
  expect(stderr).toBe("");
  return { checkup: JSON.parse(stdout.toString()) as Checkup, code };
}

/** Returns the codes of the findings that are more than notes, except the one that lists the operations that failed. */
function alarmsOf({ findings }: Checkup): string[] {
  const alarms = findings.filter(({ severity, code }) => severity !== "note" && code !== "operations-fail");
  return alarms.map(({ code }) => code);
}

function messageOf({ findings }: Checkup, code: string): string {
  return findings.find((finding) => finding.code === code)?.message ?? "";
}

const outcomes = ({ operations }: Checkup, status: string): string[] =>
  operations.filter((operation) => operation.status === status).map(({ name }) => name);

/** Keeps a server until the test has finished, and returns its URL. */
async function urlOf(server: Promise<AsyncDisposable & { readonly url: string }>): Promise<string> {
  const started = await server;
  onTestFinished(() => started[Symbol.asyncDispose]());
  return started.url;
}

const redis = (...args: string[]): Promise<string> => urlOf(startDedicatedRedis({ durable: true, args }));

const startPostgres = (settings: Record<string, string> = {}): Promise<DedicatedPostgres> =>
  startDedicatedPostgres({ source: "process", durable: true, settings });

let shared: Promise<DedicatedPostgres> | undefined;
afterAll(async () => (await shared)?.stop());

/** Creates a database on a Postgres server with good settings, which the tests share. */
async function postgres(): Promise<string> {
  shared ??= startPostgres();
  const { url } = await shared;
  const name = randomName();
  await query(url, `CREATE DATABASE ${name}`);
  return Object.assign(new URL(url), { pathname: `/${name}` }).href;
}

/** Returns the URL of a Postgres database with a table of manykv. With settings, it has its own server. */
async function provisioned(settings?: Record<string, string>): Promise<string> {
  const url = settings === undefined ? await postgres() : await urlOf(startPostgres(settings));
  await using store = await openStore(url);
  await store.provision();
  return url;
}

async function query(url: string, ...statements: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}

/** Creates a user of a Redis server and returns a URL with its name and password. */
async function asUser(url: string, ...rules: string[]): Promise<string> {
  const admin = new Redis(url);
  await admin.call("ACL", "SETUSER", "tester", "on", ">topsecret", "~*", ...rules);
  admin.disconnect();
  return url.replace("redis://", "redis://tester:topsecret@");
}

async function dynamodbTableWithOtherKey(): Promise<string> {
  const TableName = randomName();
  const client = new DynamoDBClient({ endpoint: dynamodbEndpoint });
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
    }),
  );
  client.destroy();
  return `dynamodb://eu-central-1/${TableName}?endpoint=${encodeURIComponent(dynamodbEndpoint)}`;
}

/** Servers with one fault each, the finding about it, and the exit code. packages/deployments tests PgBouncer. */
const faulty: Readonly<Record<string, readonly [start: () => Promise<string>, finding: string, exitCode: number]>> = {
  "Redis with eviction": [() => redis("--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru"), "evicts-keys", 1],
  "Redis without persistence": [() => redis("--appendonly", "no"), "no-persistence", 1],
  "a replica of Redis": [
    async () => {
      const { hostname, port } = new URL(await redis());
      return redis("--replicaof", `${hostname} ${port}`);
    },
    "replica",
    3,
  ],
  "Redis whose user may not use CLIENT": [async () => asUser(await redis(), "+@all", "-client"), "cannot-settle", 0],
  "Postgres with synchronous_commit off": [() => provisioned({ synchronous_commit: "off" }), "asynchronous-commit", 1],
  "Postgres with fsync off": [() => provisioned({ fsync: "off" }), "no-fsync", 1],
  "Postgres with a table of another program": [
    async () => {
      const url = await postgres();
      await query(url, "CREATE TABLE manykv (id int PRIMARY KEY, name text)");
      return url;
    },
    "other-table-layout",
    3,
  ],
  "Postgres with an unlogged table": [
    async () => {
      const url = await provisioned();
      await query(url, "ALTER TABLE manykv SET UNLOGGED");
      return url;
    },
    "unlogged-table",
    1,
  ],
  "Postgres with the table of an earlier version": [
    async () => {
      const url = await postgres();
      await query(url, "CREATE TABLE manykv (key bytea PRIMARY KEY, value bytea NOT NULL)");
      return url;
    },
    "no-expiry-columns",
    0,
  ],
  "DynamoDB with another key": [dynamodbTableWithOtherKey, "other-primary-key", 3],
};

describe("doctor finds the fault of", () => {
  test.each(Object.entries(faulty))("%s, and no other", async (_, [start, finding, exitCode]) => {
    const { checkup, code } = await examine(await start());
    expect(alarmsOf(checkup)).toEqual([finding]);
    expect(code).toBe(exitCode);
    expect(outcomes(checkup, "failed").length > 0).toBe(exitCode === 3);
  });

  test("a standby of Postgres", async () => {
    // The standby follows no primary, so it has no table either.
    const url = await urlOf(startDedicatedPostgres({ source: "process", durable: true, standby: true }));
    const { checkup, code } = await examine(url);
    expect(alarmsOf(checkup)).toEqual(["standby", "no-table"]);
    expect(messageOf(checkup, "standby")).toContain("connect to the primary");
    expect(code).toBe(3);
  });

  test("a missing table, and says which subcommand creates it", async () => {
    for (const url of [await postgres(), storeUrls.dynamodb]) {
      const { checkup, code } = await examine(url);
      expect(alarmsOf(checkup)).toEqual(["no-table"]);
      expect(messageOf(checkup, "no-table")).toContain("run `manykv provision`");
      expect(code).toBe(3);
    }
  });

  test("a proxy that sends reads to another server", async () => {
    const { hostname: host, port } = new URL(await redis());
    await using proxy = await RespProxy.start({ host, port: Number(port) }, answering("$-1\r\n", "GET"));
    const { checkup, code } = await examine(proxy.url);
    expect(alarmsOf(checkup)).toEqual(["stale-reads"]);
    expect(messageOf(checkup, "stale-reads")).toContain("10 of 10 reads");
    expect(code).toBe(1);
  });
});

const fine: Readonly<Record<string, () => Promise<string>>> = {
  "Redis with an append-only file": () => redis(),
  "Redis with an append-only file and the default appendfsync": () => redis("--appendfsync", "everysec"),
  "Redis Cluster with append-only files": () => urlOf(startDedicatedRedisCluster({ durable: true })),
  Postgres: () => provisioned(),
  DynamoDB: async () => {
    const url = `dynamodb://eu-central-1/${randomName()}?endpoint=${encodeURIComponent(dynamodbEndpoint)}`;
    await using store = await openStore(url);
    await store.provision();
    return url;
  },
  "memory, which only has a note that its data is lost": async () => "memory:",
  "a managed Redis that refuses CONFIG": async () => {
    const { hostname: host, port } = new URL(await redis());
    return urlOf(RespProxy.start({ host, port: Number(port) }, without("CONFIG")));
  },
  "Redis that never evicts because its memory has no limit": () => redis("--maxmemory-policy", "allkeys-lru"),
  "Postgres with synchronous_commit off only for another role": async () => {
    const url = await provisioned();
    await query(url, "CREATE ROLE other LOGIN", "ALTER ROLE other SET synchronous_commit = off");
    return url;
  },
};

test.each(Object.entries(fine))("doctor raises no alarm about %s", async (_, start) => {
  const { checkup, code } = await examine(await start());
  expect(alarmsOf(checkup)).toEqual([]);
  expect(outcomes(checkup, "succeeded")).toHaveLength(12);
  expect(code).toBe(0);
});

test("a user who may only read is an alarm, unless --read-only says so", async () => {
  const admin = await provisioned();
  await query(admin, "CREATE ROLE reader LOGIN PASSWORD 'topsecret'", "GRANT SELECT ON manykv TO reader");
  const reader = new URL(admin);
  [reader.username, reader.password] = ["reader", "topsecret"];
  const writes = ["set", "delete", "setMany", "ifAbsent", "increment", "compareAndSwap", "deleteMany"];
  for (const url of [reader.href, await asUser(await redis(), "+@all", "-@write")]) {
    const tried = await examine(url);
    expect(outcomes(tried.checkup, "failed")).toEqual(["set", "delete"]);
    expect(messageOf(tried.checkup, "operations-fail")).toMatch(/access-denied.*: set, delete\. .*--read-only/);
    expect(tried.code).toBe(3);
    const { checkup, code } = await examine(url, "--read-only");
    expect(checkup.findings).toEqual([]);
    expect(outcomes(checkup, "skipped")).toEqual(writes);
    expect(code).toBe(0);
  }
});

test("a user who may use only one bucket passes it with --bucket", async () => {
  const url = await asUser(await redis(), "resetkeys", "~{}orders:*", "+@all");
  const { checkup, code } = await examine(url);
  expect(messageOf(checkup, "operations-fail")).toContain("--bucket");
  expect(code).toBe(3);
  expect((await examine(url, "--bucket", "orders")).code).toBe(0);
});

test("if the user may not delete, doctor writes one key that expires, and names it", async () => {
  const url = await redis();
  const { checkup, code } = await examine(await asUser(url, "+@all", "-del", "-unlink"));
  expect(outcomes(checkup, "failed")).toEqual(["delete"]);
  expect(code).toBe(3);
  const admin = new Redis(url);
  const [name = "", ...others] = await admin.keys("*");
  expect(others).toEqual([]);
  expect(await admin.pttl(name)).toBeGreaterThan(0);
  expect(messageOf(checkup, "operations-fail")).toContain(`"${name.split(":")[1]}"`);
  admin.disconnect();
});

test.each(["redis", "postgres"] as const)("%s: doctor leaves no key, and measures the round trip", async (backend) => {
  const url = backend === "redis" ? await redis() : await provisioned();
  const { checkup } = await examine(url);
  expect((await runCommand(["buckets"], { store: url })).stdout.toString()).toBe("");
  const { calls, low, median, high, slowest } = checkup.latency ?? expect.unreachable();
  expect(calls).toBeGreaterThanOrEqual(5);
  expect([0, low, median, high, slowest]).toEqual([0, low, median, high, slowest].sort((left, right) => left - right));
});

test("the JSON has the fields of store.describe(), the latency and the operations", async () => {
  const url = await provisioned();
  await using store = await openStore(url);
  const description = await store.describe();
  const { latency, operations, ...described } = (await examine(url)).checkup;
  expect(described).toEqual(description);
  expect(latency).not.toBeNull();
  expect(operations).toHaveLength(12);
});

test("the text has a section for each kind of fact, and --quiet prints one line for each finding", async () => {
  const store = await redis("--appendonly", "no", "--maxmemory-policy", "allkeys-lru");
  const text = (await runCommand(["doctor"], { store })).stdout.toString();
  expect(text).toMatch(/^Server\n {2}backend +redis\n {2}product +redis \d.*\n {2}address +127\.0\.0\.1:\d+\n/);
  expect(text).toMatch(/\n {2}round trip +\S+ \(\S+\) ms, slowest \S+ ms/);
  expect(text).toMatch(/\nAbilities\n {2}lost writes +can be settled\n {2}supported +ttl, ifAbsent/);
  expect(text).toMatch(/\nOperations\n {2}succeeded +get, .*deleteMany\n/);
  expect(text).toMatch(/\nFindings\n {2}data-loss: no-persistence\n {4}The server.*\n {2}note: evicts-keys\n {4}.*\n$/);
  const quiet = await runCommand(["doctor", "--quiet"], { store });
  expect(quiet.stdout.toString()).toMatch(/^data-loss no-persistence: The server .*\nnote evicts-keys: .*\n$/);
  expect(quiet.code).toBe(1);
  const silent = await runCommand(["doctor", "--quiet", "-s", await redis()]);
  expect(silent).toMatchObject({ code: 0, stderr: "" });
  expect(silent.stdout.toString()).toBe("");
});

test("no output contains the password", async () => {
  const url = await asUser(await redis("--appendonly", "no"), "+@all", "-client", "-del");
  for (const args of [[], ["--json"], ["--quiet"]]) {
    const { stdout, stderr } = await runCommand(["doctor", url, ...args]);
    expect(stdout.toString() + stderr).not.toContain("topsecret");
  }
});

test("if the server cannot be reached, doctor prints the reason and no result", async () => {
  await using server = await startDedicatedRedis();
  await server.kill();
  const { code, stdout, stderr } = await runCommand(["doctor", server.url, "--json", "--timeout", "5s"]);
  expect(stderr).toMatch(/^manykv: describe \(redis\): unavailable \(ECONNREFUSED\)/);
  expect(stdout.toString()).toBe("");
  expect(code).toBe(3);
});

test("Ctrl-C stops doctor while the server does not respond, and no key remains", async () => {
  const url = await redis();
  const admin = new Redis(url);
  await admin.client("PAUSE", 600_000, "WRITE");
  const child = startCommand(["doctor", url]);
  const ended = endOf(child);
  await expect.poll(async () => String(await admin.client("LIST")), { timeout: 60_000 }).toContain("cmd=set");
  child.kill("SIGINT");
  const { code, stdout } = await ended;
  expect(code).toBe(130);
  expect(stdout.toString()).toBe("");
  await admin.client("UNPAUSE");
  await expect.poll(() => admin.dbsize(), { timeout: 10_000 }).toBe(0);
  admin.disconnect();
});

test("the URL is an argument, --store or MANYKV_STORE", async () => {
  expect((await runCommand(["doctor", "memory:"], { store: "redis://127.0.0.1:1" })).code).toBe(0);
  expect((await runCommand(["doctor", "--store", "memory:"])).code).toBe(0);
  const { code, stderr } = await runCommand(["doctor", "memory:", "--store", "memory:"]);
  expect(stderr).toContain("either as an argument or with --store");
  expect(code).toBe(2);
});

test("the README explains every finding of the backends and of doctor", () => {
  const packages = new URL("../../../", import.meta.url);
  const readme = readFileSync(new URL("manykv/README.md", packages), "utf8");
  const [, table = ""] = /\n(\| finding .*?)\n\n/s.exec(readme) ?? [];
  const explained = [...table.matchAll(/^\| ([^|]+) \|/gm)].flatMap(
    ([, cell = ""]) => cell.match(/[a-z]+(-[a-z]+)+/g) ?? [],
  );
  const folders = ["memory", "redis", "postgres", "dynamodb", "manykv"].map(
    (name) => new URL(`${name}/src/`, packages),
  );
  const sources = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".ts"))
      .map((path) => readFileSync(new URL(path, folder), "utf8"))
      .filter((source) => /\bFinding\b|findings/.test(source)),
  );
  const codes = sources.flatMap((source) =>
    [...source.matchAll(/(?:\bcode(?::| =)|\badd\(|\bfound\()\s*"([a-z]+(?:-[a-z]+)+)"/g)].map(([, code = ""]) => code),
  );
  expect(codes).toContain("evicts-keys");
  expect([...new Set(codes)].filter((code) => !explained.includes(code) && !isErrorCode(code))).toEqual([]);
  expect(explained.filter((code) => !codes.includes(code))).toEqual([]);
});

/** Returns whether the text is a code of errors, which the sources also contain. */
function isErrorCode(code: string): boolean {
  return /^(access-denied|connection-lost|invalid-argument|no-such-store|precondition-failed|too-large|wrong-type)$/.test(
    code,
  );
}
