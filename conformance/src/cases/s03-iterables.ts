import assert from "node:assert/strict";
import type { ConformanceCase } from "../conformance-case.js";
import { bytes, sameBytes } from "../support/bytes.js";
import { recordRequests } from "../support/recording-driver.js";
import { batchErrorOf, rejectionOf, rejectsWith } from "../support/rejections.js";

const notIterable: readonly (readonly [kind: string, value: unknown])[] = [
  ["undefined", undefined],
  ["null", null],
  ["a number", 3],
  ["an object", { a: bytes("v") }],
  ["an array-like object", { length: 1, 0: "a" }],
  ["an async iterable", (async function* () {})()],
  ["a function", () => []],
];

/** Cases for rule S3: the inputs that batch methods accept or reject. */
export const iterableCases: readonly ConformanceCase[] = [
  {
    id: "s03-any-iterable-of-entries",
    rule: "S3",
    subject: "core",
    title: "setMany accepts a Map, a Set, a generator and any other iterable",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.setMany(new Map([["of a map", bytes("1")]]));
      await bucket.setMany(new Set([["of a set", bytes("2")] as const]));
      await bucket.setMany(
        (function* () {
          yield ["of a generator", bytes("3")] as const;
        })(),
      );
      await bucket.setMany({ [Symbol.iterator]: () => [["of an object", bytes("4")] as const].values() });
      const answers = await bucket.getMany(["of a map", "of a set", "of a generator", "of an object"]);
      for (const [index, answer] of answers.entries()) sameBytes(answer?.[1], bytes(`${index + 1}`));
    },
  },
  {
    id: "s03-any-iterable-of-keys",
    rule: "S3",
    subject: "core",
    title: "getMany and deleteMany accept a Set, a Map's keys, a generator and any other iterable",
    async run(context) {
      const bucket = await context.bucket();
      const map = new Map([
        ["a", bytes("1")],
        ["b", bytes("2")],
      ]);
      await bucket.setMany(map);
      const found = ["a", "b"];
      for (const keys of [new Set(found), map.keys(), found.values(), { [Symbol.iterator]: () => found.values() }])
        assert.deepEqual(
          (await bucket.getMany(keys)).map((answer) => answer?.[0]),
          found,
        );
      await bucket.deleteMany(map.keys());
      assert.deepEqual(await bucket.getMany(found), [undefined, undefined]);
    },
  },
  {
    id: "s03-iterated-once",
    rule: "S3",
    subject: "core",
    title: "an iterable is read once, before the call returns its promise",
    async run(context) {
      const bucket = await context.bucket();
      let read = 0;
      const keys = {
        *[Symbol.iterator]() {
          read++;
          yield "a";
        },
      };
      const reading = bucket.getMany(keys);
      assert.equal(read, 1, "getMany must read the iterable once before it returns its promise");
      await reading;
      await bucket.deleteMany(keys);
      assert.equal(read, 2, "each call must read the iterable exactly once");
    },
  },
  {
    id: "s03-not-iterable",
    rule: "S3",
    subject: "core",
    title: "if the argument is not iterable, a batch method rejects instead of throwing",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({ wrap });
      for (const [kind, value] of notIterable) {
        await rejectsWith(bucket.getMany(value as string[]), "invalid-argument", `getMany of ${kind}`);
        await batchErrorOf(bucket.setMany(value as []), "invalid-argument", `setMany of ${kind}`);
        await batchErrorOf(bucket.deleteMany(value as string[]), "invalid-argument", `deleteMany of ${kind}`);
      }
      assert.equal(requests.length, 0, "the driver must receive no request");
    },
  },
  {
    id: "s03-holes",
    rule: "S3",
    subject: "core",
    title: "a hole in an array of keys is rejected as an invalid entry",
    async run(context) {
      const bucket = await context.bucket();
      const keys = ["a", "b", "c"];
      delete keys[1];
      await rejectsWith(bucket.getMany(keys), "invalid-argument");
      await batchErrorOf(bucket.deleteMany(keys), "invalid-argument");
    },
  },
  {
    id: "s03-iterator-that-throws",
    rule: "S3",
    subject: "core",
    title: "if the iterator throws, the call rejects and nothing is sent",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({ wrap, store: { requestLimits: { maxKeys: 1 } } });
      const broken = function* () {
        yield* ["a", "b", "c"];
        throw new Error("out of keys");
      };
      await rejectionOf(bucket.getMany(broken()), "getMany");
      await rejectionOf(bucket.deleteMany(broken()), "deleteMany");
      const entries = function* () {
        yield ["a", bytes("v")] as const;
        throw new Error("out of entries");
      };
      await rejectionOf(bucket.setMany(entries()), "setMany");
      assert.equal(requests.length, 0, "the driver must receive no request");
    },
  },
];
