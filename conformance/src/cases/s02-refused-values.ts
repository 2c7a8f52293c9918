import assert from "node:assert/strict";
import type { ConformanceCase } from "../conformance-case.js";
import { bytes } from "../support/bytes.js";
import { recordRequests } from "../support/recording-driver.js";
import { assertNothingApplied, batchErrorOf } from "../support/rejections.js";

const notBytes: readonly (readonly [kind: string, value: unknown])[] = [
  ["undefined", undefined],
  ["null", null],
  ["a string", "text"],
  ["a number", 5],
  ["a boolean", true],
  ["an array of numbers", [1, 2, 3]],
  ["an object", { length: 1, 0: 1 }],
  ["an ArrayBuffer", new ArrayBuffer(4)],
  ["a SharedArrayBuffer", new SharedArrayBuffer(4)],
  ["a DataView", new DataView(new ArrayBuffer(4))],
  ["a Uint16Array", new Uint16Array(2)],
  ["an Int8Array", new Int8Array(2)],
  ["a Uint8ClampedArray", new Uint8ClampedArray(2)],
  ["a Blob", new Blob(["text"])],
  ["an object whose Symbol.toStringTag is Uint8Array", { [Symbol.toStringTag]: "Uint8Array", byteLength: 0 }],
];

/** Cases for rule S2: `set` and `setMany` reject invalid values, and `setMany` rejects invalid entries. */
export const refusedValueCases: readonly ConformanceCase[] = [
  {
    id: "s02-not-bytes-set",
    rule: "S2",
    subject: "core",
    title: "set rejects a value that is not a Uint8Array",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({ wrap });
      for (const [kind, value] of notBytes) {
        const error = await batchErrorOf(bucket.set("key", value as Uint8Array), "invalid-argument", `set of ${kind}`);
        assertNothingApplied(error, 1);
      }
      assert.equal(requests.length, 0, "the driver must receive no request");
    },
  },
  {
    id: "s02-not-bytes-set-many",
    rule: "S2",
    subject: "core",
    title: "setMany rejects a value that is not a Uint8Array",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({ wrap });
      for (const [kind, value] of notBytes) {
        const entries = [
          ["good", bytes("v")],
          ["bad", value as Uint8Array],
        ] as const;
        const error = await batchErrorOf(bucket.setMany(entries), "invalid-argument", `setMany of ${kind}`);
        assertNothingApplied(error, 2);
      }
      assert.equal(requests.length, 0, "the driver must receive no request");
    },
  },
  {
    id: "s02-not-a-pair",
    rule: "S2",
    subject: "core",
    title: "setMany rejects an entry that is not a pair of a key and a value",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({ wrap });
      const entries: readonly (readonly [string, unknown])[] = [
        ["undefined", undefined],
        ["null", null],
        ["a string of two characters", "kv"],
        ["a pair without a value", ["key"]],
        ["an object", { key: "key", value: bytes("v") }],
        ["an empty array", []],
        ["a hole", new Array(1)[0]],
      ];
      for (const [kind, entry] of entries) {
        const call = bucket.setMany([["good", bytes("v")], entry as readonly [string, Uint8Array]]);
        assertNothingApplied(await batchErrorOf(call, "invalid-argument", `setMany with ${kind}`), 2);
      }
      assert.equal(requests.length, 0, "the driver must receive no request");
    },
  },
  {
    id: "s02-detached-value",
    rule: "S2",
    subject: "core",
    title: "a value with a detached buffer is rejected, not stored as an empty value",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.set("key", bytes("before"));
      const detached = bytes("gone");
      structuredClone(detached.buffer, { transfer: [detached.buffer as ArrayBuffer] });
      assertNothingApplied(await batchErrorOf(bucket.set("key", detached), "invalid-argument"), 1);
      assertNothingApplied(await batchErrorOf(bucket.setMany([["key", detached]]), "invalid-argument"), 1);
      assert.equal((await bucket.get("key"))?.byteLength, 6);
    },
  },
];
