import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DeleteTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { portableLimits } from "@manykv/core";
import { memoryStore } from "@manykv/memory";
import { serviceUrl } from "@manykv/test-services/vitest";
import { Client } from "pg";
import { afterAll, expect, test, vi } from "vitest";
import { writeOrReturn } from "../src/failures.js";
import { remember } from "../src/library.js";
import { example } from "./support/repository.js";

const endpoint = serviceUrl("dynamodb");
const urls = {
  memory: "memory:",
  redis: serviceUrl("redis"),
  "redis cluster": serviceUrl("redis-cluster"),
  postgres: `${serviceUrl("postgres")}?table=manykv_example`,
  dynamodb: `dynamodb://eu-central-1/manykv-example?endpoint=${encodeURIComponent(endpoint)}`,
};
const oneOfTwo = "[ '4711', undefined ]\n";

afterAll(async () => {
  const postgres = new Client({ connectionString: serviceUrl("postgres") });
  await postgres.connect();
  await postgres.query("drop table if exists manykv_example");
  await postgres.end();
  const dynamodb = new DynamoDBClient({ region: "eu-central-1", endpoint });
  await dynamodb.send(new DeleteTableCommand({ TableName: "manykv-example" }));
  dynamodb.destroy();
});

test.each(Object.entries(urls))("the example ten-lines runs on %s", async (_, url) => {
  expect(await example("ten-lines", url)).toBe("plum one plum\nundefined undefined\napple one apple\n");
});

test.each(Object.entries(urls))("the example open-store runs on %s", async (_, url) => {
  expect(await example("open-store", url)).toBe("2024-0001\n");
});

test.each(Object.entries(urls))("the example abilities runs on %s", async (_, url) => {
  expect(await example("abilities", url)).toBe("the session exists\ntrue\n1n\nweb/1\n");
});

test("the examples ten-lines and open-store use a memory store if no URL is passed", async () => {
  expect(await example("ten-lines")).toContain("apple one apple");
  expect(await example("open-store")).toBe("2024-0001\n");
});

test("the example memory runs", async () => {
  expect(await example("memory")).toBe("true\n");
});

test("the example coalesce runs", async () => {
  expect(await example("coalesce")).toBe("user ada\nundefined\nuser bob\n");
});

test("the example wrap-driver runs", async () => {
  expect(await example("wrap-driver")).toBe("30000\n");
});

test("the example redis runs", async () => {
  expect(await example("redis", urls.redis)).toBe(oneOfTwo);
});

test("the example redis-credentials runs", async () => {
  const tokenFile = join(await mkdtemp(join(tmpdir(), "manykv-")), "token");
  await writeFile(tokenFile, "token");
  expect(await example("redis-credentials", urls.redis, tokenFile)).toBe("false\n");
});

test("the example redis-client runs", async () => {
  expect(await example("redis-client", urls.redis)).toBe("false\n");
});

test("the example redis-cluster-client runs", async () => {
  const [, host = "", port = ""] = /([^/@:,]+):(\d+)/.exec(urls["redis cluster"].replace(/^.*\/\//, "")) ?? [];
  expect(await example("redis-cluster-client", host, port)).toBe("[ undefined, undefined, undefined ]\n");
});

test("the example postgres runs", async () => {
  expect(await example("postgres", serviceUrl("postgres"))).toBe(oneOfTwo);
});

test("the example postgres-pool runs", async () => {
  expect(await example("postgres-pool", serviceUrl("postgres"))).toBe("false\n");
});

test("the example postgres-pglite runs", async () => {
  expect(await example("postgres-pglite", "memory://")).toBe("true\n");
});

test("the example dynamodb runs", async () => {
  expect(await example("dynamodb", endpoint)).toBe(oneOfTwo);
});

test("the example dynamodb-client runs", async () => {
  expect(await example("dynamodb-client", endpoint)).toBe("false\n");
});

test("remember computes each missing value once", async () => {
  await using store = memoryStore();
  const bucket = await store.open("squares");
  const compute = vi.fn(async (missing: string[]) =>
    missing.map((key) => [key, Uint8Array.of(Number(key) ** 2)] as const),
  );
  await remember(bucket, ["1", "2"], compute);
  const squares = await remember(bucket, ["1", "2", "3"], compute);
  expect(compute.mock.calls).toEqual([[["1", "2"]], [["3"]]]);
  expect([...squares].map(([key, [square]]) => [key, square])).toEqual([
    ["1", 1],
    ["2", 4],
    ["3", 9],
  ]);
});

test("writeOrReturn returns the entries of a failed batch", async () => {
  await using store = memoryStore({ limits: { ...portableLimits, maxValueBytes: 1 } });
  const bucket = await store.open("small");
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  const entries = [
    ["a", new Uint8Array(1)],
    ["b", new Uint8Array(2)],
  ] as const;
  expect(await writeOrReturn(bucket, [...entries])).toEqual(entries);
  expect(log.mock.calls).toEqual([
    ["too-large", { applied: 0, "not-applied": 2, unknown: 0 }],
    [0, "not-applied", expect.any(String), undefined],
    [1, "not-applied", "too-large", undefined],
  ]);
  log.mockRestore();
});
