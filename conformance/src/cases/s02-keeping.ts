import assert from "node:assert/strict";
import type { Bucket, Entry } from "@manykv/core";
import type { CaseContext } from "../case-context.js";
import type { ConformanceCase } from "../conformance-case.js";
import { faultDriver } from "../faults/fault-driver.js";
import { bytes, pattern, sameBytes } from "../support/bytes.js";

/** Cases for rule S2: the caller may modify its arguments after the call has returned, and every returned value. */
export const keepingCases: readonly ConformanceCase[] = [
  {
    id: "s02-caller-changes-a-set-value",
    rule: "S2",
    subject: "core",
    title: "set: the caller may modify the value as soon as the call has returned",
    async run(context) {
      const bucket = await slowBucket(context);
      const value = bytes("as it was");
      const call = bucket.set("key", value);
      value.fill(0);
      await call;
      sameBytes(await bucket.get("key"), bytes("as it was"));
    },
  },
  {
    id: "s02-caller-changes-set-many-values",
    rule: "S2",
    subject: "core",
    title: "setMany: the caller may modify values, entries and the array as soon as the call has returned",
    async run(context) {
      const bucket = await slowBucket(context);
      const values = Array.from({ length: 5 }, (_, index) => pattern(100, index));
      const entries: [string, Uint8Array][] = values.map((value, index) => [`key ${index}`, value]);
      const call = bucket.setMany(entries);
      for (const entry of entries) entry[0] = "another key";
      for (const value of values) value.fill(0);
      entries.push(["one more", bytes("v")]);
      entries.shift();
      await call;
      const answers = await bucket.getMany(["key 0", "key 1", "key 2", "key 3", "key 4", "another key", "one more"]);
      for (const index of values.keys()) sameBytes(answers[index]?.[1], pattern(100, index));
      assert.deepEqual(answers.slice(5), [undefined, undefined]);
    },
  },
  {
    id: "s02-caller-changes-values-not-yet-sent",
    rule: "S2",
    subject: "core",
    title: "setMany: the caller may modify values before the requests that contain them are sent",
    async run(context) {
      for (const concurrency of [1, 2]) {
        const bucket = await context.bucket({ store: { requestLimits: { maxKeys: 2 }, concurrency } });
        const values = Array.from({ length: 21 }, (_, index) => pattern(40, index));
        const call = bucket.setMany(values.map((value, index) => [`key ${index}`, value]));
        for (const value of values) value.fill(0);
        await call;
        const answers = await bucket.getMany(values.map((_, index) => `key ${index}`));
        for (const index of values.keys()) sameBytes(answers[index]?.[1], pattern(40, index));
      }
    },
  },
  {
    id: "s02-caller-changes-value-before-retry",
    rule: "S2",
    subject: "core",
    title: "a retry sends the value that the caller passed, even if the caller has modified it since",
    async run(context) {
      const name = context.bucketName();
      const throttleFirst = (driver: Parameters<typeof faultDriver>[0]) =>
        faultDriver(driver, ({ call }) =>
          call < 3 ? { kind: "keys", of: () => ({ kind: "unprocessed" }) } : undefined,
        );
      const bucket = await context.bucket({ name, wrap: throttleFirst, store: { retry: { baseDelay: 2 } } });
      const value = pattern(500);
      const call = bucket.setMany([["key", value]]);
      value.fill(0);
      await call;
      sameBytes(await bucket.get("key"), pattern(500));
    },
  },
  {
    id: "s02-caller-changes-keys",
    rule: "S2",
    subject: "core",
    title: "getMany and deleteMany: the caller may modify the array of keys as soon as the call has returned",
    async run(context) {
      const bucket = await slowBucket(context);
      await bucket.setMany([
        ["a", bytes("of a")],
        ["b", bytes("of b")],
        ["c", bytes("of c")],
      ]);
      const asked = ["a", "b"];
      const reading = bucket.getMany(asked);
      asked.reverse();
      asked.push("c");
      const answers = await reading;
      assert.deepEqual(
        answers.map((answer) => answer?.[0]),
        ["a", "b"],
      );
      const doomed = ["a"];
      const deleting = bucket.deleteMany(doomed);
      doomed[0] = "b";
      await deleting;
      assert.deepEqual(await existing(bucket, ["a", "b", "c"]), [false, true, true]);
    },
  },
  {
    id: "s02-generator-reuses-its-buffer",
    rule: "S2",
    subject: "core",
    title: "a generator may yield the same pair and the same Uint8Array repeatedly with different bytes",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.setMany(reusing(20));
      const keys = Array.from({ length: 20 }, (_, index) => `key ${index}`);
      const answers = await bucket.getMany(keys);
      for (const [index, answer] of answers.entries()) sameBytes(answer?.[1], new Uint8Array(64).fill(index));
    },
  },
  {
    id: "s02-results-are-the-callers",
    rule: "S2",
    subject: "driver",
    title: "modifying a value that get or getMany returned does not change the stored value",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.set("key", bytes("stored"));
      (await bucket.get("key"))?.fill(0);
      (await bucket.getMany(["key"]))[0]?.[1].fill(0);
      sameBytes(await bucket.get("key"), bytes("stored"));
      sameBytes((await bucket.getMany(["key"]))[0]?.[1], bytes("stored"));
    },
  },
  {
    id: "s02-results-share-no-memory",
    rule: "S2",
    subject: "driver",
    title: "modifying one returned value does not change any other returned value",
    async run(context) {
      const bucket = await context.bucket();
      const keys = Array.from({ length: 10 }, (_, index) => `key ${index}`);
      // Some values are equal. Even equal values must not share memory.
      const stored = (index: number): Uint8Array => pattern(40, index % 3);
      await bucket.setMany(keys.map((key, index) => [key, stored(index)]));
      const answers = await bucket.getMany(keys);
      const values = answers.map((answer) => answer?.[1]);
      for (const index of keys.keys()) {
        values[index]?.fill(255);
        for (const [other, value] of values.entries())
          sameBytes(value, other > index ? stored(other) : new Uint8Array(40).fill(255));
      }
    },
  },
  {
    id: "s02-duplicates-share-no-memory",
    rule: "S2",
    subject: "core",
    title: "the values returned for a duplicate key share no memory",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.set("key", bytes("stored"));
      const [first, second, third] = await bucket.getMany(["key", "key", "key"]);
      first?.[1].fill(0);
      sameBytes(second?.[1], bytes("stored"));
      sameBytes(third?.[1], bytes("stored"));
      assert.notEqual(first, second, "getMany must return a separate pair for each occurrence of a key");
    },
  },
  {
    id: "s02-plain-uint8array",
    rule: "S2",
    subject: "core",
    title: "returned values are plain Uint8Arrays, not Buffers",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.setMany([
        ["a", Buffer.from("of a")],
        ["b", new Uint8Array(0)],
      ]);
      const values = [await bucket.get("a"), ...(await bucket.getMany(["a", "b"])).map((answer) => answer?.[1])];
      for (const value of values) assert.equal(value?.constructor.name, "Uint8Array");
    },
  },
];

/** Opens a bucket whose driver receives each request after a delay of 10 ms. */
function slowBucket(context: CaseContext): Promise<Bucket> {
  return context.bucket({
    wrap: (driver) => faultDriver(driver, () => ({ kind: "delay", milliseconds: 10 })),
  });
}

function existing(bucket: Bucket, keys: readonly string[]): Promise<boolean[]> {
  return Promise.all(keys.map((key) => bucket.exists(key)));
}

function* reusing(count: number): Generator<Entry> {
  const entry: [string, Uint8Array] = ["", new Uint8Array(64)];
  for (let index = 0; index < count; index++) {
    entry[0] = `key ${index}`;
    entry[1].fill(index);
    yield entry;
  }
}
