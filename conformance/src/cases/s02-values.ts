import assert from "node:assert/strict";
import { runInNewContext } from "node:vm";
import type { Driver } from "@manykv/core/driver";
import type { ConformanceCase } from "../conformance-case.js";
import { unavailable } from "../faults/engine-faults.js";
import { faultDriver } from "../faults/fault-driver.js";
import { bytes, pattern, sameBytes } from "../support/bytes.js";
import { preparingDriver } from "../support/preparing-driver.js";
import { nameOf } from "../support/round-trip.js";

/** Cases for rule S2: valid values are stored unchanged. */
export const valueCases: readonly ConformanceCase[] = [
  {
    id: "s02-values-of-subclasses",
    rule: "S2",
    subject: "core",
    title: "a value whose class overrides `length` reaches the driver as a plain Uint8Array with all bytes",
    async run(context) {
      class Shorter extends Uint8Array<ArrayBuffer> {
        override get length(): number {
          return 1;
        }
      }
      const lengths: number[] = [];
      const wrap = (driver: Driver): Driver =>
        preparingDriver(driver, (values) => lengths.push(...values.map(({ length }) => length)));
      const bucket = await context.bucket({ wrap });
      const value = bytes("all bytes");
      const own = Object.defineProperty(bytes("all bytes"), "length", { value: 1 });
      await bucket.set("single", new Shorter(value.buffer, value.byteOffset, value.byteLength));
      await bucket.setMany([
        ["class", new Shorter(value.buffer, value.byteOffset, value.byteLength)],
        ["own", own],
      ]);
      assert.deepEqual(lengths, [9, 9, 9]);
      for (const key of ["single", "class", "own"]) sameBytes(await bucket.get(key), bytes("all bytes"), key);
    },
  },
  {
    id: "s02-values-of-a-preparing-driver",
    rule: "S2",
    subject: "core",
    title:
      "if the driver has `prepareSet`, the caller may change values as soon as the call returns, also if core sends the set again",
    async run(context) {
      let prepared = 0;
      let calls = 0;
      const wrap = (driver: Driver): Driver => {
        const faulty = faultDriver(driver, ({ operation }) =>
          operation === "set" && calls++ === 0 ? { kind: "reject", fault: unavailable } : undefined,
        );
        return preparingDriver(faulty, (values) => {
          prepared += values.length;
        });
      };
      const bucket = await context.bucket({ wrap, store: { retry: { baseDelay: 1 }, requestLimits: { maxKeys: 2 } } });
      const [a, b, c, d] = [bytes("1"), bytes("2"), bytes("3"), bytes("4")];
      const many = bucket.setMany([
        ["a", a],
        ["b", b],
        ["c", c],
        ["b", d],
      ]);
      for (const value of [a, b, c, d]) value.fill(0);
      await many;
      assert.equal(prepared, 3);
      const one = bytes("5");
      const single = bucket.set("d", one);
      one.fill(0);
      await single;
      const found = await bucket.getMany(["a", "b", "c", "d"]);
      assert.deepEqual(
        found.map((pair) => Buffer.from(pair?.[1] ?? []).toString()),
        ["1", "4", "3", "5"],
      );
    },
  },
  {
    id: "s02-empty-value",
    rule: "S2",
    subject: "driver",
    title: "an empty value is different from a missing key",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.set("single", new Uint8Array(0));
      await bucket.setMany([["batch", new Uint8Array(0)]]);
      for (const key of ["single", "batch"]) {
        sameBytes(await bucket.get(key), new Uint8Array(0), `the result of get for ${key}`);
        assert.equal(await bucket.exists(key), true);
      }
      const [single, missing, batch] = await bucket.getMany(["single", "missing", "batch"]);
      sameBytes(single?.[1], new Uint8Array(0));
      sameBytes(batch?.[1], new Uint8Array(0));
      assert.equal(missing, undefined);
    },
  },
  {
    id: "s02-empty-value-overwrites",
    rule: "S2",
    subject: "driver",
    title: "an empty value replaces a longer one",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.set("key", bytes("long before"));
      await bucket.set("key", new Uint8Array(0));
      sameBytes(await bucket.get("key"), new Uint8Array(0));
    },
  },
  {
    id: "s02-every-byte",
    rule: "S2",
    subject: "driver",
    title: "every byte value and every pair of adjacent byte values are stored unchanged",
    async run(context) {
      const bucket = await context.bucket();
      const pairs = Uint8Array.from(
        { length: 256 * 256 * 2 },
        (_, index) => (index & 1 ? index >> 1 : index >> 9) & 255,
      );
      const ascending = Uint8Array.from({ length: 256 }, (_, byte) => byte);
      await bucket.set("ascending", ascending);
      await bucket.setMany([["pairs", pairs]]);
      sameBytes(await bucket.get("ascending"), ascending);
      sameBytes(await bucket.get("pairs"), pairs);
      const answers = await bucket.getMany(["ascending", "pairs"]);
      sameBytes(answers[0]?.[1], ascending);
      sameBytes(answers[1]?.[1], pairs);
    },
  },
  stays("s02-number-like-text", "text that looks like a number is stored unchanged", [
    "123",
    "1.50",
    "-0",
    "1e3",
    "NaN",
    "0x1F",
  ]),
  stays("s02-literal-like-text", "text that looks like JSON or a JavaScript literal is stored unchanged", [
    "null",
    "true",
    "undefined",
    '"quoted"',
    '{"a":[1]}',
    "[]",
    "[object Object]",
  ]),
  stays("s02-encoded-text", "text that looks encoded or escaped is stored unchanged", [
    "\\x00ff",
    "aGVsbG8=",
    "%41",
    "$5\r\nhello\r\n",
    "\\N",
    "base64:aGVsbG8=",
  ]),
  {
    id: "s02-not-utf-8",
    rule: "S2",
    subject: "driver",
    title: "bytes that are not valid UTF-8 are stored unchanged",
    async run(context) {
      const bucket = await context.bucket();
      const values = [
        [0xff, 0xfe],
        [0xc3],
        [0xed, 0xa0, 0x80],
        [0xf5, 0x80],
        [0x80, 0x80],
        [0xef, 0xbb, 0xbf],
        [0],
        [0, 0],
      ];
      await bucket.setMany(values.map((value, index) => [`key ${index}`, Uint8Array.from(value)]));
      const answers = await bucket.getMany(values.map((_, index) => `key ${index}`));
      for (const [index, value] of values.entries()) sameBytes(answers[index]?.[1], Uint8Array.from(value));
    },
  },
  {
    id: "s02-buffer-accepted",
    rule: "S2",
    subject: "core",
    title: "a Buffer is accepted, including one from the Node.js buffer pool",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.set("single", Buffer.from("pooled"));
      await bucket.setMany([["batch", Buffer.from("also pooled")]]);
      sameBytes(await bucket.get("single"), bytes("pooled"));
      sameBytes(await bucket.get("batch"), bytes("also pooled"));
    },
  },
  {
    id: "s02-part-of-a-buffer",
    rule: "S2",
    subject: "core",
    title: "if a value is a view of a larger buffer, only the bytes of the view are stored",
    async run(context) {
      const bucket = await context.bucket();
      const whole = pattern(1000);
      await bucket.set("single", whole.subarray(100, 200));
      await bucket.setMany([["batch", whole.subarray(999)]]);
      sameBytes(await bucket.get("single"), pattern(1000).slice(100, 200));
      sameBytes(await bucket.get("batch"), pattern(1000).slice(999));
    },
  },
  {
    id: "s02-shared-memory",
    rule: "S2",
    subject: "core",
    title: "a Uint8Array in a SharedArrayBuffer is accepted",
    async run(context) {
      const bucket = await context.bucket();
      const shared = new Uint8Array(new SharedArrayBuffer(5));
      shared.set(bytes("share"));
      await bucket.set("single", shared);
      await bucket.setMany([["batch", shared]]);
      shared.fill(0);
      sameBytes(await bucket.get("single"), bytes("share"));
      sameBytes(await bucket.get("batch"), bytes("share"));
    },
  },
  {
    id: "s02-other-realm",
    rule: "S2",
    subject: "core",
    title: "a Uint8Array from another realm, such as a test runner's sandbox or an iframe, is accepted",
    async run(context) {
      const bucket = await context.bucket();
      const foreign = runInNewContext("Uint8Array.of(1, 2, 3)") as Uint8Array;
      await bucket.set("single", foreign);
      await bucket.setMany([["batch", foreign]]);
      sameBytes(await bucket.get("single"), Uint8Array.of(1, 2, 3));
      sameBytes(await bucket.get("batch"), Uint8Array.of(1, 2, 3));
    },
  },
];

function stays(id: string, title: string, texts: readonly string[]): ConformanceCase {
  return {
    id,
    rule: "S2",
    subject: "driver",
    title,
    async run(context) {
      const bucket = await context.bucket();
      await bucket.setMany(texts.map((text) => [text, bytes(text)]));
      const answers = await bucket.getMany(texts);
      for (const [index, text] of texts.entries()) {
        sameBytes(answers[index]?.[1], bytes(text), `the result of getMany for ${nameOf(text)}`);
        sameBytes(await bucket.get(text), bytes(text), `the result of get for ${text}`);
      }
    },
  };
}
