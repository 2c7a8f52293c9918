import assert from "node:assert/strict";
import type { ConformanceCase } from "../conformance-case.js";
import { bytes, sameBytes } from "../support/bytes.js";
import { recordRequests } from "../support/recording-driver.js";
import { assertNothingApplied, batchErrorOf, rejectsWith } from "../support/rejections.js";

/**
 * Store options that split a batch of 9 keys into 5 requests. A store that validates each request separately sends some
 * of these requests before it finds an invalid entry at the end.
 */
const twoKeysEach = { requestLimits: { maxKeys: 2 } };

/** Cases for rule S3: a call with one invalid entry rejects before core sends a request. */
export const checkedFirstCases: readonly ConformanceCase[] = [
  {
    id: "s03-bad-entry-of-set-many",
    rule: "S3",
    subject: "core",
    wit: ["set-many 5"],
    title: "setMany with one invalid entry at any position rejects, sends nothing and changes nothing",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({ wrap, store: twoKeysEach });
      await bucket.set("key 0", bytes("before"));
      requests.length = 0;
      for (const place of [0, 4, 8]) {
        const entries = Array.from(
          { length: 9 },
          (_, index) => [`key ${index}`, bytes("after")] as [string, Uint8Array],
        );
        entries[place] = ["\ud800", bytes("after")];
        assertNothingApplied(await batchErrorOf(bucket.setMany(entries), "invalid-argument"), 9);
      }
      assert.equal(requests.length, 0, "the driver must receive no request");
      sameBytes(await bucket.get("key 0"), bytes("before"));
      assert.equal(await bucket.exists("key 1"), false);
    },
  },
  {
    id: "s03-bad-entry-of-delete-many",
    rule: "S3",
    subject: "core",
    wit: ["delete-many 4"],
    title: "deleteMany with one invalid key at any position rejects, sends nothing and deletes nothing",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({ wrap, store: twoKeysEach });
      await bucket.set("key 0", bytes("stays"));
      requests.length = 0;
      for (const place of [0, 4, 8]) {
        const keys = Array.from({ length: 9 }, (_, index) => `key ${index}`);
        keys[place] = undefined as unknown as string;
        assertNothingApplied(await batchErrorOf(bucket.deleteMany(keys), "invalid-argument"), 9);
      }
      assert.equal(requests.length, 0, "the driver must receive no request");
      sameBytes(await bucket.get("key 0"), bytes("stays"));
    },
  },
  {
    id: "s03-bad-entry-of-get-many",
    rule: "S3",
    subject: "core",
    wit: ["get-many 5"],
    title: "getMany with one invalid key at any position rejects and sends nothing",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({ wrap, store: twoKeysEach });
      for (const place of [0, 4, 8]) {
        const keys = Array.from({ length: 9 }, (_, index) => `key ${index}`);
        keys[place] = "\udfff";
        await rejectsWith(bucket.getMany(keys), "invalid-argument");
      }
      assert.equal(requests.length, 0, "the driver must receive no request");
    },
  },
  {
    id: "s03-message-names-the-index",
    rule: "S3",
    subject: "core",
    title: "the error message contains the index of the invalid entry, but not its key or value",
    async run(context) {
      const bucket = await context.bucket();
      const entries: [string, Uint8Array][] = [];
      for (let index = 0; index < 47; index++) entries.push([`confidential-${index}`, bytes("classified")]);
      entries.push(["confidential-\ud800", bytes("classified")]);
      const keys = entries.map(([key]) => key);
      const calls = [bucket.setMany(entries), bucket.deleteMany(keys), bucket.getMany(keys)];
      const errors = await Promise.all(calls.map((call: Promise<unknown>) => rejectsWith(call, "invalid-argument")));
      for (const { message } of errors) {
        assert.match(message, /\b47\b/, "the message must contain the index 47");
        assert.doesNotMatch(message, /confidential|classified/);
      }
    },
  },
  {
    id: "s03-first-bad-entry-is-named",
    rule: "S3",
    subject: "core",
    title: "the error message contains the index of the first of several invalid entries",
    async run(context) {
      const bucket = await context.bucket();
      const { message } = await rejectsWith(bucket.getMany(["a", "b", "\ud800", "c", "\ud801"]), "invalid-argument");
      assert.match(message, /\b2\b/);
      assert.doesNotMatch(message, /\b4\b/);
    },
  },
  {
    id: "s03-single-write-is-a-batch-of-one",
    rule: "S3",
    subject: "core",
    title: "set and delete with an invalid argument reject with a BatchError that has one outcome",
    async run(context) {
      const bucket = await context.bucket();
      const calls = [
        bucket.set("\ud800", bytes("v")),
        bucket.set("key", "text" as unknown as Uint8Array),
        bucket.delete("\ud800"),
      ];
      const errors = await Promise.all(calls.map((call) => batchErrorOf(call, "invalid-argument")));
      for (const error of errors) assertNothingApplied(error, 1);
    },
  },
];
