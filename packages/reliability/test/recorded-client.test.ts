import { checkHistory, History, RecordedClient } from "@manykv/conformance/checker";
import { type Bucket, createStore } from "@manykv/core";
import { memoryDriver } from "@manykv/memory";
import { beforeEach, describe, expect, test } from "vitest";

let history: History;
let bucket: Bucket;
let client: RecordedClient;
let other: RecordedClient;

beforeEach(async () => {
  history = new History();
  bucket = await createStore(memoryDriver()).open("bucket");
  client = new RecordedClient(history, "client", bucket);
  other = new RecordedClient(history, "other", bucket);
});

/** Returns a client whose bucket answers differently. */
function clientOf(changes: Partial<Bucket>): RecordedClient {
  return new RecordedClient(history, "changed", Object.assign(Object.create(bucket), changes));
}

const kinds = (): string[] => checkHistory(history).anomalies.map(({ kind }) => kind);

describe("a recorded client", () => {
  test("swaps the value that it knows, and learns the current value from a lost race", async () => {
    await other.set("key");
    await client.compareAndSwap("key", "set");
    await client.compareAndSwap("key", "set");
    await client.compareAndSwap("key", "delete");
    await client.get("key");
    const swaps = history.writes.filter((write) => write.client === "client");
    expect(swaps.map(({ outcome, expected }) => [outcome, expected])).toEqual([
      ["not-applied", "missing"],
      ["applied", 1],
      ["applied", 3],
    ]);
    expect(history.reads.map(({ saw }) => saw)).toEqual([1, "missing"]);
    expect(kinds()).toEqual([]);
  });

  test("records the keys that `ifAbsent` finds, but not later entries with the same key", async () => {
    await other.set("found");
    await client.setMany(["found", "new", "new"], { ifAbsent: true });
    expect(history.writes.slice(1).map(({ outcome }) => outcome)).toEqual(["not-applied", "applied", "not-applied"]);
    expect(history.reads.map(({ key, saw }) => [key, saw])).toEqual([["bucket/found", "present"]]);
    await client.getMany(["found", "new"]);
    expect(kinds()).toEqual([]);
  });

  test("records results of increments, and reads integers", async () => {
    await client.increment("counter", 5n);
    await other.increment("counter", -7n);
    await client.get("counter");
    expect(history.writes.map(({ result }) => result)).toEqual([5n, -2n]);
    expect(history.reads.map(({ saw }) => saw)).toEqual([-2n]);
    expect(kinds()).toEqual([]);
  });

  test("reads whether keys exist, with every method that tells it", async () => {
    await client.set("key", { ttl: 60_000 });
    await client.existsMany(["key", "other"]);
    await client.ttlMany(["key", "other"]);
    await client.getMap(["key", "other"]);
    expect(history.reads.map(({ saw }) => saw)).toEqual(["present", "missing", "present", "missing", 1, "missing"]);
    expect(kinds()).toEqual([]);
  });

  test("gives entries their own `ttl`, and others the `ttl` of the call", async () => {
    const ttls = [100_000, undefined];
    const own = new RecordedClient(history, "own", bucket, { entryTtl: () => ttls.shift() });
    await own.setMany(["a", "b"], { ttl: 50_000 });
    expect(history.writes.map(({ ttl }) => ttl)).toEqual([100_000, 50_000]);
    const [first, second] = await bucket.ttlMany(["a", "b"]);
    expect(first).toBeGreaterThan(50_000);
    expect(second).toBeLessThanOrEqual(50_000);
  });

  test("finds a swap that fails although it found what it expected", async () => {
    const changed = clientOf({ compareAndSwap: async () => ({ swapped: false, current: undefined }) });
    await changed.compareAndSwap("key", "set");
    expect(kinds()).toEqual(["false-condition"]);
  });

  test("finds a duplicate with `ifAbsent` that is reported as applied", async () => {
    const changed = clientOf({ setMany: (entries, options) => bucket.setMany(entries, options).catch(() => {}) });
    await changed.setMany(["key", "key"], { ifAbsent: true });
    await client.get("key");
    expect(kinds()).not.toEqual([]);
  });
});
