import assert from "node:assert/strict";
import type { Bucket } from "@manykv/core";
import type { ConformanceCase } from "../conformance-case.js";
import { faultDriver } from "../faults/fault-driver.js";
import { Random } from "../faults/random.js";
import { bytes, sameBytes } from "../support/bytes.js";

/** Cases for rule S4: results are in the order of the keys. */
export const orderCases: readonly ConformanceCase[] = [
  {
    id: "s04-order-of-keys",
    rule: "S4",
    subject: "driver",
    wit: ["get-many 1", "get-many 2"],
    title: "getMany returns results in the order of the keys",
    async run(context) {
      const bucket = await context.bucket();
      const keys = await hundred(bucket);
      const random = new Random(context.seed);
      const shuffled = keys
        .map((key) => ({ key, at: random.next() }))
        .sort((a, b) => a.at - b.at)
        .map(({ key }) => key);
      for (const order of [keys, [...keys].reverse(), shuffled]) await answersIn(bucket, order);
    },
  },
  {
    id: "s04-order-across-seams",
    rule: "S4",
    subject: "core",
    wit: ["get-many 1"],
    title: "getMany returns results of several requests in the order of the keys",
    async run(context) {
      const bucket = await context.bucket({ store: { requestLimits: { maxKeys: 3 } } });
      const keys = await hundred(bucket);
      await answersIn(bucket, [...keys].reverse());
    },
  },
  {
    id: "s04-order-not-of-completion",
    rule: "S4",
    subject: "core",
    wit: ["get-many 1"],
    title: "getMany returns results in the order of the keys even if later requests complete first",
    async run(context) {
      const bucket = await context.bucket({
        store: { requestLimits: { maxKeys: 2 } },
        wrap: (driver) =>
          faultDriver(driver, ({ operation, call }) =>
            operation === "get" ? { kind: "late-answer", milliseconds: 30 - (call % 4) * 10 } : undefined,
          ),
      });
      const keys = (await hundred(bucket)).slice(0, 16);
      await answersIn(bucket, keys);
    },
  },
  {
    id: "s04-missing-keys",
    rule: "S4",
    subject: "driver",
    wit: ["get-many 3"],
    title: "getMany returns undefined for missing keys at the start, in the middle and at the end",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.setMany([
        ["a", bytes("of a")],
        ["b", bytes("of b")],
      ]);
      const answers = await bucket.getMany(["missing", "b", "also missing", "a", "missing too"]);
      assert.deepEqual(
        answers.map((answer) => answer?.[0]),
        [undefined, "b", undefined, "a", undefined],
      );
      assert.ok(
        answers.every((_, index) => index in answers),
        "the result of a missing key must be undefined, not a hole in the array",
      );
    },
  },
  {
    id: "s04-all-missing",
    rule: "S4",
    subject: "driver",
    wit: ["get-many 3"],
    title: "getMany of only missing keys returns one undefined per key",
    async run(context) {
      const bucket = await context.bucket();
      assert.deepEqual(await bucket.getMany(["missing"]), [undefined]);
      const keys = Array.from({ length: 10 }, (_, index) => `missing ${index}`);
      assert.deepEqual(await bucket.getMany(keys), new Array(10).fill(undefined));
      assert.equal(await bucket.get("missing"), undefined);
      assert.equal(await bucket.exists("missing"), false);
    },
  },
  {
    id: "s04-missing-across-seams",
    rule: "S4",
    subject: "core",
    wit: ["get-many 3"],
    title: "getMany returns undefined for missing keys in each of several requests",
    async run(context) {
      const bucket = await context.bucket({ store: { requestLimits: { maxKeys: 2 } } });
      const keys = Array.from({ length: 20 }, (_, index) => `key ${index}`);
      const there = keys.filter((_, index) => index % 3 === 0);
      await bucket.setMany(there.map((key) => [key, bytes(key)]));
      const answers = await bucket.getMany(keys);
      assert.deepEqual(
        answers.map((answer) => answer?.[0]),
        keys.map((key) => (there.includes(key) ? key : undefined)),
      );
    },
  },
  {
    id: "s04-duplicates",
    rule: "S4",
    subject: "core",
    title: "getMany returns a result for each occurrence of a duplicate key",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.setMany([
        ["a", bytes("of a")],
        ["b", bytes("of b")],
      ]);
      await answersIn(bucket, ["a", "b", "a", "a", "b"]);
      assert.deepEqual(await bucket.getMany(["missing", "missing"]), [undefined, undefined]);
    },
  },
  {
    id: "s04-duplicates-across-seams",
    rule: "S4",
    subject: "core",
    title: "getMany returns a result for each occurrence of a duplicate key even if it sends several requests",
    async run(context) {
      const bucket = await context.bucket({ store: { requestLimits: { maxKeys: 2 } } });
      await bucket.setMany([
        ["a", bytes("of a")],
        ["b", bytes("of b")],
        ["c", bytes("of c")],
      ]);
      await answersIn(bucket, ["a", "b", "c", "a", "a", "c", "b", "a"]);
    },
  },
  {
    id: "s04-pairs",
    rule: "S4",
    subject: "core",
    wit: ["get-many 2"],
    title: "the result of an existing key is a pair of key and value",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.set("key", bytes("value"));
      const answers = await bucket.getMany(["key"]);
      assert.ok(Array.isArray(answers) && Array.isArray(answers[0]));
      assert.deepEqual(answers, [["key", bytes("value")]]);
    },
  },
];

/** Sets a hundred keys to different values and returns the keys. */
async function hundred(bucket: Bucket): Promise<string[]> {
  const keys = Array.from({ length: 100 }, (_, index) => `key ${index}`);
  await bucket.setMany(keys.map((key) => [key, bytes(`of ${key}`)]));
  return keys;
}

/** Asserts that `getMany` returns these keys in this order, each with its value. All of the keys must exist. */
async function answersIn(bucket: Bucket, keys: readonly string[]): Promise<void> {
  const answers = await bucket.getMany(keys);
  assert.equal(answers.length, keys.length);
  for (const [index, key] of keys.entries()) {
    assert.equal(answers[index]?.[0], key, `the result at index ${index} must contain the key ${key}`);
    sameBytes(answers[index]?.[1], bytes(`of ${key}`));
  }
}
