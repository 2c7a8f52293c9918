import { GetItemCommand } from "@aws-sdk/client-dynamodb";
import { portableLimits } from "@manykv/core";
import { describe, expect, test } from "vitest";
import { request } from "./support/request.js";
import { testTable } from "./support/test-table.js";

const { name: table, driver, client } = testTable();
const { get, set, delete: remove, exists, limits } = driver;
const { maxKeyBytes } = portableLimits;

const oddKeys = [
  "",
  "\0",
  "\0\0",
  "a\0b",
  "__proto__",
  "constructor",
  ":",
  "a:b",
  '"\\/',
  "\x01\x1f\x7f",
  "\u2028",
  "\ufeff",
  "\ufeffa",
  "\ufffe",
  "\uffff",
  "\u{1f600}",
  "\u{10ffff}",
];
/** Different keys that become equal if a program normalizes Unicode or ignores case. */
const nearlyEqualKeys = ["\u00e9", "e\u0301", "\u212b", "\u00c5", "A\u030a", "\ufb01", "fi", "\u212a", "K", "k"];

describe("items", () => {
  test.each([
    ["odd", oddKeys],
    ["nearly equal", nearlyEqualKeys],
    ["longest", ["a".repeat(1024), "\u00e9".repeat(512), "\u{1f600}".repeat(256), "\0".repeat(1024)]],
  ])("keeps %s keys apart and returns them unchanged", async (_, keys) => {
    const values = keys.map((_key, index) => new Uint8Array([index, 255]));
    const bucket = "keys";
    expect(await set(request({ bucket, keys, values }))).toEqual({});
    expect(await get(request({ bucket, keys }))).toEqual({ values, faults: [], unprocessed: [] });
    const { keys: listed } = await driver.list(request({ bucket }));
    expect([...listed].sort()).toEqual([...keys].sort());
    expect(await remove(request({ bucket, keys }))).toEqual({});
    expect((await exists?.(request({ bucket, keys })))?.values).toEqual(keys.map(() => false));
  });

  test("stores an empty value and the largest value with the longest key and bucket name", async () => {
    const bucket = "b".repeat(64);
    const keys = ["a".repeat(maxKeyBytes), "\u00e9".repeat(maxKeyBytes / 2)];
    const values = [new Uint8Array(), new Uint8Array(limits.maxValueBytes).fill(200)];
    await set(request({ bucket, keys, values }));
    expect((await get(request({ bucket, keys }))).values).toEqual(values);
  });

  test("sends as many keys as the limits allow in one request", async () => {
    const bucket = "full";
    const keys = Array.from({ length: limits.get.maxKeys }, (_, index) => `key-${index}`);
    const values = keys.map((key) => new TextEncoder().encode(key));
    const { maxKeys } = limits.set;
    for (let from = 0; from < keys.length; from += maxKeys) {
      const to = from + maxKeys;
      await set(request({ bucket, keys: keys.slice(from, to), values: values.slice(from, to) }));
    }
    expect((await get(request({ bucket, keys }))).values).toEqual(values);
  });

  test("returns undefined for a missing key and each value at its key's index", async () => {
    await set(request({ keys: ["there"], values: [new Uint8Array([1])] }));
    const keys = ["no", "there", "neither"];
    expect((await get(request({ keys }))).values).toEqual([undefined, new Uint8Array([1]), undefined]);
    expect((await exists?.(request({ keys })))?.values).toEqual([false, true, false]);
  });

  test("deletes a missing key without an error", async () => {
    expect(await remove(request({ keys: ["never was", "nor this"] }))).toEqual({});
  });

  test("overwrites a value with a longer and with a shorter one", async () => {
    for (const length of [10, 1000, 0, 5]) {
      const value = new Uint8Array(length).fill(length);
      await set(request({ keys: ["again"], values: [value] }));
      expect((await get(request({ keys: ["again"] }))).values).toEqual([value]);
    }
  });

  test("separates buckets whose names or keys start with another bucket's name", async () => {
    const buckets = ["a", "a.b", "a-b", "A", "ab"];
    for (const [index, bucket] of buckets.entries()) {
      await set(request({ bucket, keys: ["b:c", "c"], values: [new Uint8Array([index]), new Uint8Array()] }));
    }
    for (const [index, bucket] of buckets.entries()) {
      expect((await get(request({ bucket, keys: ["b:c"] }))).values).toEqual([new Uint8Array([index])]);
    }
    expect((await get(request({ bucket: "a", keys: ["b:b:c"] }))).values).toEqual([undefined]);
  });

  test("returns plain Uint8Arrays, each with its own memory", async () => {
    const keys = ["one", "two"];
    await set(request({ keys, values: [new Uint8Array([1, 1]), new Uint8Array([2, 2])] }));
    const { values } = await get(request({ keys }));
    for (const value of values) {
      expect(Object.getPrototypeOf(value)).toBe(Uint8Array.prototype);
      expect(value?.buffer.byteLength).toBe(2);
    }
  });

  test("stores only the bytes of a view into a larger buffer", async () => {
    const whole = new Uint8Array([9, 9, 1, 2, 3, 9]);
    await set(request({ keys: ["view"], values: [whole.subarray(2, 5)] }));
    expect((await get(request({ keys: ["view"] }))).values).toEqual([new Uint8Array([1, 2, 3])]);
  });

  test("uses the documented item layout", async () => {
    await set(request({ bucket: "users", keys: ["alice"], values: [new Uint8Array([1, 2])] }));
    const command = new GetItemCommand({ TableName: table, Key: { k: { S: "users:alice" } } });
    const { Item } = await client.send(command);
    expect(Item).toEqual({ k: { S: "users:alice" }, v: { B: new Uint8Array([1, 2]) } });
  });
});
