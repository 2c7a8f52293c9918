import { memoryStore } from "@manykv/memory";
import { serviceUrl } from "@manykv/test-services/vitest";
import { Client } from "pg";
import { afterAll, expect, test } from "vitest";
import { cityEntries } from "../src/demo/city-entries.js";
import { readAndCompare } from "../src/demo/steps.js";
import { example } from "./support/repository.js";

const postgresUrl = serviceUrl("postgres");

afterAll(async () => {
  const postgres = new Client({ connectionString: postgresUrl });
  await postgres.connect();
  await postgres.query("drop table if exists manykv_demo");
  await postgres.end();
});

test.each([
  ["memory", "memory:"],
  ["redis", serviceUrl("redis")],
  ["redis+cluster", serviceUrl("redis-cluster")],
  ["postgres", `${postgresUrl}?table=manykv_demo`],
])("the demo succeeds on %s", async (scheme, url) => {
  const printed = await example("demo", url);
  expect(printed).toContain(` in ${scheme}\n`);
  expect(printed).toMatch(/set +135,233 +25,529,534 +28 /);
  expect(printed).toMatch(/delete France +8,836 /);
  expect(printed).toContain("Every value was read back unchanged.");
});

test("the demo prints one error line if it cannot reach the server", async () => {
  const demo = example("demo", "redis://:topsecret@127.0.0.1:1");
  const { code, stderr } = await demo.then(
    () => ({ code: 0, stderr: "" }),
    (error: { code: number; stderr: string }) => error,
  );
  expect(code).toBe(1);
  expect(stderr).toMatch(/^demo: .*unavailable.*\n$/);
  expect(stderr).not.toContain("topsecret");
});

test("every city has a unique key", () => {
  const entries = cityEntries();
  expect(new Set(entries.map(([key]) => key)).size).toBe(entries.length);
  expect(entries.length).toBeGreaterThanOrEqual(20_000);
});

test.each([
  ["a different value", "a", Uint8Array.of(2), [], "a does not have the value that was set"],
  ["a missing record", "b", Uint8Array.of(1), [], "b does not have the value that was set"],
  ["a deleted record that still exists", "a", Uint8Array.of(1), [["a", Uint8Array.of(1)] as const], "still exists"],
])("the comparison detects %s", async (_, key, value, absent, message) => {
  await using store = memoryStore();
  const bucket = await store.open("compared");
  await bucket.set("a", Uint8Array.of(1));
  await expect(readAndCompare(bucket, "compare", [[key, value]], absent)).rejects.toThrow(message);
});
