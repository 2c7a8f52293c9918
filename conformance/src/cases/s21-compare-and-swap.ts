import assert from "node:assert/strict";
import type { Bucket, SwapResult } from "@manykv/core";
import type { ConformanceCase } from "../conformance-case.js";
import { bytes, pattern, sameBytes } from "../support/bytes.js";
import { farAway } from "../support/expiry.js";
import { keysIn } from "../support/listed.js";
import { recordRequests } from "../support/recording-driver.js";
import { assertNothingApplied, batchErrorOf } from "../support/rejections.js";

const swapped: SwapResult = { swapped: true };

/** Pairs of values that an engine may not confuse. */
const differentValues: readonly (readonly [string, Uint8Array, Uint8Array])[] = [
  ["an empty value and a byte", new Uint8Array(0), new Uint8Array([0])],
  ["values of the same length", bytes("abc"), bytes("abd")],
  ["a value and its start", bytes("abc"), bytes("ab")],
  ["a value and the same with a trailing U+0000", bytes("abc"), bytes("abc\0")],
  ["a value and the same with a trailing space", bytes("abc"), bytes("abc ")],
  ["values that differ in case", bytes("abc"), bytes("aBc")],
  ["values that look like the same number", bytes("1"), bytes("1.0")],
  ["numbers with and without leading zero", bytes("1"), bytes("01")],
  ["composed and decomposed characters", bytes("é"), bytes("e\u0301")],
  ["bytes that are not UTF-8", new Uint8Array([0xff]), new Uint8Array([0xfe])],
  ["values that differ after U+0000", new Uint8Array([1, 0, 1]), new Uint8Array([1, 0, 2])],
  ["long values that differ in the last byte", pattern(50_000), pattern(50_000).with(49_999, 0)],
];

/** Cases for rule S21: `compareAndSwap`. */
export const compareAndSwapCases: readonly ConformanceCase[] = [
  {
    id: "s21-create",
    rule: "S21",
    subject: "ability",
    needs: ["compareAndSwap"],
    title: "with `expected: undefined`, compareAndSwap creates a missing key, and returns the value of an existing one",
    async run(context) {
      const bucket = await context.bucket();
      assert.deepEqual(await swap(bucket, undefined, bytes("first")), swapped);
      sameBytes(await bucket.get("key"), bytes("first"));
      lost(await swap(bucket, undefined, bytes("second")), bytes("first"));
      sameBytes(await bucket.get("key"), bytes("first"));
    },
  },
  {
    id: "s21-replace",
    rule: "S21",
    subject: "ability",
    needs: ["compareAndSwap"],
    title: "compareAndSwap replaces the expected value, and otherwise changes nothing and returns the current value",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.set("key", bytes("first"));
      assert.deepEqual(await swap(bucket, bytes("first"), bytes("second")), swapped);
      sameBytes(await bucket.get("key"), bytes("second"));
      lost(await swap(bucket, bytes("first"), bytes("third")), bytes("second"));
      sameBytes(await bucket.get("key"), bytes("second"));
    },
  },
  {
    id: "s21-missing-key",
    rule: "S21",
    subject: "ability",
    needs: ["compareAndSwap"],
    title:
      "if a value is expected and the key is missing, compareAndSwap returns `current: undefined` and creates nothing",
    async run(context) {
      const bucket = await context.bucket();
      lost(await swap(bucket, bytes("expected"), bytes("new")), undefined);
      lost(await swap(bucket, new Uint8Array(0), bytes("new")), undefined);
      lost(await swap(bucket, bytes("expected"), undefined), undefined);
      assert.deepEqual(await keysIn(bucket), []);
    },
  },
  {
    id: "s21-delete",
    rule: "S21",
    subject: "ability",
    needs: ["compareAndSwap"],
    title: "with `value: undefined`, compareAndSwap deletes the key if it has the expected value",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.set("key", bytes("first"));
      lost(await swap(bucket, bytes("other"), undefined), bytes("first"));
      assert.equal(await bucket.exists("key"), true);
      assert.deepEqual(await swap(bucket, bytes("first"), undefined), swapped);
      assert.equal(await bucket.exists("key"), false);
      assert.deepEqual(await keysIn(bucket), []);
    },
  },
  {
    id: "s21-missing-to-missing",
    rule: "S21",
    subject: "ability",
    needs: ["compareAndSwap"],
    title: "with `expected` and `value` undefined, compareAndSwap checks that the key does not exist",
    async run(context) {
      const bucket = await context.bucket();
      assert.deepEqual(await swap(bucket, undefined, undefined), swapped);
      assert.equal(await bucket.exists("key"), false);
      await bucket.set("key", bytes("first"));
      lost(await swap(bucket, undefined, undefined), bytes("first"));
      sameBytes(await bucket.get("key"), bytes("first"));
    },
  },
  {
    id: "s21-empty-value",
    rule: "S21",
    subject: "ability",
    needs: ["compareAndSwap"],
    title: "an empty value is not a missing key, whether it is the expected, the current or the new value",
    async run(context) {
      const bucket = await context.bucket();
      const empty = new Uint8Array(0);
      assert.deepEqual(await swap(bucket, undefined, empty), swapped);
      sameBytes(await bucket.get("key"), empty);
      lost(await swap(bucket, undefined, bytes("new")), empty);
      assert.deepEqual(await swap(bucket, empty, bytes("new")), swapped);
      assert.deepEqual(await swap(bucket, bytes("new"), empty), swapped);
      sameBytes(await bucket.get("key"), empty);
      assert.deepEqual(await swap(bucket, empty, undefined), swapped);
      assert.equal(await bucket.get("key"), undefined);
    },
  },
  {
    id: "s21-compares-every-byte",
    rule: "S21",
    subject: "ability",
    needs: ["compareAndSwap"],
    title: "compareAndSwap compares lengths and bytes, not text or numbers",
    async run(context) {
      const bucket = await context.bucket();
      for (const [what, one, other] of differentValues) {
        for (const [stored, expected] of [
          [one, other],
          [other, one],
        ] as const) {
          await bucket.set("key", stored);
          lost(await swap(bucket, expected, bytes("new")), stored, what);
          assert.deepEqual(await swap(bucket, stored, expected), swapped, what);
          sameBytes(await bucket.get("key"), expected, what);
        }
      }
    },
  },
  {
    id: "s21-binary-values",
    rule: "S21",
    subject: "ability",
    needs: ["compareAndSwap"],
    title: "values with every byte, including large ones, are compared, stored and returned unchanged",
    async run(context) {
      const bucket = await context.bucket();
      const size = Math.min(200_000, bucket.limits.maxValueBytes);
      const every = Uint8Array.from({ length: 256 }, (_, index) => index);
      const values = [every, every.toReversed(), pattern(size, 2), bytes('{"a": "\\u0000"}'), bytes("'; --\r\n")];
      let current: Uint8Array | undefined;
      for (const value of values) {
        assert.deepEqual(await swap(bucket, current, value), swapped);
        lost(await swap(bucket, bytes("other"), bytes("new")), value);
        sameBytes(await bucket.get("key"), value);
        current = value;
      }
    },
  },
  {
    id: "s21-same-value",
    rule: "S21",
    subject: "ability",
    needs: ["compareAndSwap"],
    title: "compareAndSwap of a value with itself swaps",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.set("key", bytes("same"));
      assert.deepEqual(await swap(bucket, bytes("same"), bytes("same")), swapped);
      sameBytes(await bucket.get("key"), bytes("same"));
    },
  },
  {
    id: "s21-special-keys",
    rule: "S21",
    subject: "ability",
    needs: ["compareAndSwap"],
    title: "compareAndSwap of special keys changes neither other keys nor equal keys of other buckets",
    async run(context) {
      const store = await context.store();
      const base = context.bucketName();
      const [bucket, other] = [await store.open(base), await store.open(`${base}.b`)];
      const keys = ["", "a", "A", "a\0", "*", "__proto__", "é", "e\u0301", "😀"];
      for (const key of keys)
        assert.deepEqual(await bucket.compareAndSwap(key, { expected: undefined, value: bytes(`1 ${key}`) }), swapped);
      for (const key of keys) {
        const change = { expected: bytes(`1 ${key}`), value: bytes(`2 ${key}`) };
        assert.deepEqual(await bucket.compareAndSwap(key, change), swapped);
        assert.deepEqual(await other.compareAndSwap(key, change), { swapped: false, current: undefined });
      }
      for (const key of keys) sameBytes(await bucket.get(key), bytes(`2 ${key}`));
      assert.deepEqual(await keysIn(other), []);
    },
  },
  {
    id: "s21-keeps-the-expiry",
    rule: "S21",
    subject: "ability",
    needs: ["compareAndSwap", "ttl"],
    title: "a swapped key keeps its expiry, a lost race changes no expiry, and a created key has none",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.setMany([
        ["key", bytes("1"), { ttl: farAway }],
        ["lost", bytes("1"), { ttl: farAway }],
        ["stays", bytes("1")],
        ["created", bytes("1"), { ttl: farAway }],
      ]);
      await bucket.compareAndSwap("key", { expected: bytes("1"), value: bytes("2") });
      await bucket.compareAndSwap("lost", { expected: bytes("2"), value: bytes("3") });
      await bucket.compareAndSwap("stays", { expected: bytes("1"), value: bytes("2") });
      await bucket.compareAndSwap("created", { expected: bytes("1"), value: undefined });
      await bucket.compareAndSwap("created", { expected: undefined, value: bytes("2") });
      const [key, other, stays, created] = await bucket.ttlMany(["key", "lost", "stays", "created"]);
      for (const left of [key, other])
        assert.ok(typeof left === "number" && left > farAway / 2 && left <= farAway + 1_000);
      assert.deepEqual([stays, created], [null, null]);
    },
  },
  {
    id: "s21-values-of-other-methods",
    rule: "S21",
    subject: "ability",
    needs: ["compareAndSwap"],
    title: "compareAndSwap sees the values of set and setMany, and they replace its values",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.setMany([["key", bytes("1")]]);
      assert.deepEqual(await swap(bucket, bytes("1"), bytes("2")), swapped);
      await bucket.set("key", bytes("3"));
      lost(await swap(bucket, bytes("2"), bytes("4")), bytes("3"));
      await bucket.delete("key");
      assert.deepEqual(await swap(bucket, undefined, bytes("5")), swapped);
      assert.deepEqual(await bucket.existsMany(["key"]), [true]);
    },
  },
  {
    id: "s21-values-of-counters",
    rule: "S21",
    subject: "ability",
    needs: ["compareAndSwap", "increment"],
    title: "compareAndSwap compares the decimal text of a counter, and increments continue from a swapped value",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.increment("key", 41);
      lost(await swap(bucket, bytes("42"), bytes("0")), bytes("41"));
      lost(await swap(bucket, undefined, bytes("0")), bytes("41"));
      assert.deepEqual(await swap(bucket, bytes("41"), bytes("100")), swapped);
      assert.equal(await bucket.increment("key"), 101n);
      assert.deepEqual(await swap(bucket, bytes("101"), undefined), swapped);
      assert.equal(await bucket.exists("key"), false);
    },
  },
  {
    id: "s21-current-is-a-copy",
    rule: "S21",
    subject: "ability",
    needs: ["compareAndSwap"],
    title: "changing the returned current value changes nothing that is stored",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.set("key", bytes("stored"));
      const result = await swap(bucket, bytes("other"), bytes("new"));
      assert.ok(!result.swapped && result.current !== undefined);
      result.current.fill(0);
      sameBytes(await bucket.get("key"), bytes("stored"));
    },
  },
  {
    id: "s21-one-winner",
    rule: "S21",
    subject: "ability",
    needs: ["compareAndSwap"],
    title: "of 16 clients that swap the same value or create the same key, one wins, and the others get its value",
    async run(context) {
      const name = context.bucketName();
      const clients = await Promise.all(Array.from({ length: 16 }, () => context.bucket({ name })));
      const [first] = clients as [Bucket];
      for (const expected of [undefined, bytes("start")]) {
        if (expected !== undefined) await first.set("key", expected);
        const results = await Promise.all(
          clients.map((bucket, index) => swap(bucket, expected, bytes(`client ${index}`))),
        );
        const winners = [...results.keys()].filter((index) => results[index]?.swapped);
        assert.equal(winners.length, 1, "exactly one client must win");
        for (const result of results) if (!result.swapped) lost(result, bytes(`client ${winners[0]}`));
        sameBytes(await first.get("key"), bytes(`client ${winners[0]}`));
      }
    },
  },
  {
    id: "s21-loops-lose-no-update",
    rule: "S21",
    subject: "ability",
    needs: ["compareAndSwap"],
    title: "8 clients that each append 6 words to a value with compareAndSwap lose no word",
    async run(context) {
      const name = context.bucketName();
      const clients = await Promise.all(Array.from({ length: 8 }, () => context.bucket({ name })));
      const append = async (bucket: Bucket, word: string): Promise<void> => {
        let current = await bucket.get("key");
        for (let tries = 0; tries < 10_000; tries++) {
          const text = current === undefined ? word : `${new TextDecoder().decode(current)} ${word}`;
          const result = await swap(bucket, current, bytes(text));
          if (result.swapped) return;
          current = result.current;
        }
        assert.fail("a swap must succeed within 10,000 tries");
      };
      await Promise.all(
        clients.map(async (bucket, client) => {
          for (let word = 0; word < 6; word++) await append(bucket, `${client}.${word}`);
        }),
      );
      const words = new TextDecoder().decode(await clients[0]?.get("key")).split(" ");
      const expected = Array.from({ length: 48 }, (_, index) => `${Math.floor(index / 6)}.${index % 6}`);
      assert.deepEqual(words.sort(), expected.sort());
    },
  },
  {
    id: "s21-bad-change",
    rule: "S21",
    subject: "core",
    needs: ["compareAndSwap"],
    title: "an invalid change is `invalid-argument`, a value over the limit is `too-large`, and nothing is sent",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({ wrap, store: { limits: { maxValueBytes: 10 } } });
      const bad: readonly unknown[] = [
        undefined,
        null,
        "text",
        { expected: "text", value: undefined },
        { expected: undefined, value: "text" },
        { expected: null, value: bytes("v") },
        { expected: undefined, value: [1] },
        { expect: bytes("v"), value: bytes("v") },
      ];
      for (const [index, change] of bad.entries()) {
        const call = bucket.compareAndSwap("key", change as { expected: undefined; value: undefined });
        assertNothingApplied(await batchErrorOf(call, "invalid-argument", `change ${index}`), 1);
      }
      for (const change of [
        { expected: undefined, value: new Uint8Array(11) },
        { expected: new Uint8Array(11), value: undefined },
      ]) {
        assertNothingApplied(await batchErrorOf(bucket.compareAndSwap("key", change), "too-large"), 1);
      }
      assert.equal(requests.length, 0);
    },
  },
  {
    id: "s21-caller-reuses-buffers",
    rule: "S21",
    subject: "core",
    needs: ["compareAndSwap"],
    title: "the caller may change the expected and the new value as soon as the call has returned its promise",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.set("key", bytes("first"));
      const [expected, value] = [bytes("first"), bytes("second")];
      const call = bucket.compareAndSwap("key", { expected, value });
      expected.fill(0);
      value.fill(0);
      assert.deepEqual(await call, swapped);
      sameBytes(await bucket.get("key"), bytes("second"));
    },
  },
];

function swap(bucket: Bucket, expected: Uint8Array | undefined, value: Uint8Array | undefined): Promise<SwapResult> {
  return bucket.compareAndSwap("key", { expected, value });
}

/** Asserts that a race was lost and that the result contains the current value. */
function lost(result: SwapResult, current: Uint8Array | undefined, what?: string): void {
  assert.ok(!result.swapped, `the swap must not happen${what === undefined ? "" : `: ${what}`}`);
  if (current === undefined) assert.equal(result.current, undefined);
  else sameBytes(result.current, current, "the current value");
}
