import assert from "node:assert/strict";
import type { Bucket } from "@manykv/core";
import type { ConformanceCase } from "../conformance-case.js";
import { bytes, pattern, sameBytes } from "../support/bytes.js";
import { expire, farAway, soon } from "../support/expiry.js";
import { keysIn } from "../support/listed.js";
import { recordRequests } from "../support/recording-driver.js";
import { assertNothingApplied, batchErrorOf } from "../support/rejections.js";

const most = 2n ** 63n - 1n;
const least = -(2n ** 63n);

/** Values that an engine must not accept as an integer, although some of them look like one. */
const notIntegers: readonly (string | Uint8Array)[] = [
  "",
  "-",
  "-0",
  "+1",
  "01",
  "-01",
  "00",
  " 1",
  "1 ",
  "1\n",
  "1\0",
  "1.0",
  "1.",
  "1e3",
  "0x10",
  "1_000",
  "1,000",
  "1n",
  "--1",
  "Infinity",
  "NaN",
  "true",
  "null",
  "one",
  "１",
  "٣",
  "−1",
  `${most + 1n}`,
  `${least - 1n}`,
  "99999999999999999999",
  "1".repeat(30),
  "0".repeat(20),
  new Uint8Array([0]),
  new Uint8Array(8),
  new Uint8Array([0xff, 0xfe]),
  pattern(2_000),
];

/** Cases for rule S19: `increment`. */
export const incrementCases: readonly ConformanceCase[] = [
  {
    id: "s19-missing-key-counts-as-0",
    rule: "S19",
    subject: "ability",
    needs: ["increment"],
    title: "an increment of a missing key starts at 0, adds 1 by default and returns a bigint",
    async run(context) {
      const bucket = await context.bucket();
      assert.equal(await bucket.increment("key"), 1n);
      assert.equal(await bucket.increment("key"), 2n);
      assert.equal(await bucket.increment("other", -7), -7n);
      assert.equal(await bucket.increment("zero", 0), 0n);
      assert.deepEqual(await keysIn(bucket), ["key", "other", "zero"]);
    },
  },
  {
    id: "s19-get-reads-decimal-text",
    rule: "S19",
    subject: "ability",
    needs: ["increment"],
    title: "get and getMany return the integer as decimal text, without leading zeros or `-0`",
    async run(context) {
      const bucket = await context.bucket();
      const deltas = [
        ["a", 42],
        ["a", -84],
        ["a", 41],
        ["a", 1],
        ["b", 10n ** 18n],
        ["c", 0],
      ] as const;
      const expected = ["42", "-42", "-1", "0", "1000000000000000000", "0"];
      for (const [index, [key, delta]] of deltas.entries()) {
        assert.equal(await bucket.increment(key, delta), BigInt(expected[index] as string));
        sameBytes(await bucket.get(key), bytes(expected[index] as string));
      }
      const found = await bucket.getMany(["b", "missing", "a"]);
      sameBytes(found[0]?.[1], bytes("1000000000000000000"));
      sameBytes(found[2]?.[1], bytes("0"));
      assert.deepEqual(await bucket.existsMany(["a", "b", "c", "d"]), [true, true, true, false]);
    },
  },
  {
    id: "s19-set-stores-a-start-value",
    rule: "S19",
    subject: "ability",
    needs: ["increment"],
    title: "an increment continues from a value that set, setMany or a previous increment stored, and set replaces it",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.set("a", bytes("100"));
      await bucket.setMany([["b", bytes("-5")]]);
      assert.equal(await bucket.increment("a", 11), 111n);
      assert.equal(await bucket.increment("b", 5n), 0n);
      await bucket.set("a", bytes("7"));
      assert.equal(await bucket.increment("a"), 8n);
      await bucket.delete("a");
      assert.equal(await bucket.increment("a"), 1n);
      await bucket.set("a", bytes("not a number"));
      sameBytes(await bucket.get("a"), bytes("not a number"));
    },
  },
  {
    id: "s19-extremes",
    rule: "S19",
    subject: "ability",
    needs: ["increment"],
    title: "increments are exact over the whole signed 64-bit range, including beyond 2^53",
    async run(context) {
      const bucket = await context.bucket();
      assert.equal(await bucket.increment("up", most), most);
      sameBytes(await bucket.get("up"), bytes(`${most}`));
      assert.equal(await bucket.increment("up", least), -1n);
      assert.equal(await bucket.increment("down", least), least);
      sameBytes(await bucket.get("down"), bytes(`${least}`));
      assert.equal(await bucket.increment("down", most), -1n);
      await bucket.set("large", bytes("9007199254740993"));
      assert.equal(await bucket.increment("large", 0), 9007199254740993n);
      assert.equal(await bucket.increment("large", Number.MAX_SAFE_INTEGER), 18014398509481984n);
      assert.equal(await bucket.increment("large", -1), 18014398509481983n);
      await bucket.setMany([
        ["most", bytes(`${most - 1n}`)],
        ["least", bytes(`${least + 1n}`)],
      ]);
      assert.equal(await bucket.increment("most"), most);
      assert.equal(await bucket.increment("least", -1n), least);
    },
  },
  {
    id: "s19-overflow",
    rule: "S19",
    subject: "ability",
    needs: ["increment"],
    title: "a result outside 64 bits is `precondition-failed` and not retryable, and the value does not change",
    async run(context) {
      const bucket = await context.bucket();
      for (const [start, delta] of [
        [most, 1n],
        [most, most],
        [most - 5n, 6n],
        [1n, most],
        [least, -1n],
        [least, least],
        [least + 5n, -6n],
        [-1n, least],
      ] as const) {
        await bucket.set("key", bytes(`${start}`));
        const error = await batchErrorOf(bucket.increment("key", delta), "precondition-failed", `${start} + ${delta}`);
        assertNothingApplied(error, 1);
        assert.equal(error.retryable, false);
        sameBytes(await bucket.get("key"), bytes(`${start}`));
      }
      assert.equal(await bucket.increment("counter", most), most);
      await batchErrorOf(bucket.increment("counter"), "precondition-failed");
      assert.equal(await bucket.increment("counter", 0), most);
    },
  },
  {
    id: "s19-wrong-type",
    rule: "S19",
    subject: "ability",
    needs: ["increment"],
    title:
      "an increment of a value that is not a canonical 64-bit integer is `wrong-type`, and the value does not change",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.setMany(notIntegers.map((text, index) => [`key ${index}`, bytesOf(text)]));
      for (const [index, text] of notIntegers.entries()) {
        const what = typeof text === "string" ? JSON.stringify(text) : `${text.length} bytes`;
        const error = await batchErrorOf(bucket.increment(`key ${index}`, 1), "wrong-type", what);
        assertNothingApplied(error, 1);
        assert.equal(error.retryable, false);
        sameBytes(await bucket.get(`key ${index}`), bytesOf(text), what);
      }
    },
  },
  {
    id: "s19-wrong-type-with-delta-0",
    rule: "S19",
    subject: "ability",
    needs: ["increment"],
    title: "an increment by 0 or by a large delta also checks the value",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.set("key", bytes("01"));
      for (const delta of [0, most, least]) await batchErrorOf(bucket.increment("key", delta), "wrong-type");
      sameBytes(await bucket.get("key"), bytes("01"));
    },
  },
  {
    id: "s19-keeps-the-expiry",
    rule: "S19",
    subject: "ability",
    needs: ["increment", "ttl"],
    title: "an increment keeps the expiry of its key: it neither removes nor extends it, even with `ttl`",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.setMany([
        ["expires", bytes("5"), { ttl: farAway }],
        ["stays", bytes("5")],
      ]);
      await expire(2 * soon, async () => {
        await bucket.set("gone", bytes("5"), { ttl: 2 * soon });
        for (const key of ["expires", "stays", "gone"]) await bucket.increment(key, 1, { ttl: 3 * farAway });
        await bucket.increment("expires");
      });
      const [expires, stays] = await bucket.ttlMany(["expires", "stays"]);
      assert.ok(typeof expires === "number" && expires > farAway / 2 && expires <= farAway + 1_000);
      assert.equal(stays, null);
      sameBytes(await bucket.get("expires"), bytes("7"));
      sameBytes(await bucket.get("stays"), bytes("6"));
    },
  },
  {
    id: "s19-expires-after-increments",
    rule: "S19",
    subject: "ability",
    needs: ["increment", "ttl"],
    title: "a key that an increment created with `ttl` expires, although later increments change it",
    async run(context) {
      const bucket = await context.bucket();
      // The time is long enough for the later increments, unless the machine stalls. Then the results differ.
      const ttl = 400;
      let results: bigint[] = [];
      await expire(ttl, async () => {
        results = [await bucket.increment("key", 10, { ttl })];
        results.push(await bucket.increment("key"), await bucket.increment("key", 1, { ttl: farAway }));
      });
      if (results.join() === "10,11,12") assert.equal(await bucket.get("key"), undefined);
      assert.equal(await bucket.increment("new", 1, { ttl: farAway }), 1n);
      const [left] = await bucket.ttlMany(["new"]);
      assert.ok(typeof left === "number" && left > farAway / 2 && left <= farAway + 1_000);
    },
  },
  {
    id: "s19-set-after-increments",
    rule: "S19",
    subject: "ability",
    needs: ["increment", "ttl"],
    title: "a set without `ttl` removes the expiry of a counter, and a set with `ttl` gives it one",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.increment("a", 1, { ttl: farAway });
      await bucket.increment("b", 1);
      await bucket.set("a", bytes("2"));
      await bucket.set("b", bytes("2"), { ttl: farAway });
      const [a, b] = await bucket.ttlMany(["a", "b"]);
      assert.equal(a, null);
      assert.ok(typeof b === "number" && b > farAway / 2);
      assert.deepEqual([await bucket.increment("a"), await bucket.increment("b")], [3n, 3n]);
    },
  },
  {
    id: "s19-counters-in-batches",
    rule: "S19",
    subject: "ability",
    needs: ["increment"],
    title: "setMany and deleteMany replace and delete counters like other keys",
    async run(context) {
      const bucket = await context.bucket();
      for (const key of ["a", "b", "c"]) await bucket.increment(key, 5);
      await bucket.setMany([
        ["a", bytes("text")],
        ["b", bytes("9")],
      ]);
      await bucket.deleteMany(["c"]);
      sameBytes(await bucket.get("a"), bytes("text"));
      assert.equal(await bucket.increment("b"), 10n);
      assert.equal(await bucket.exists("c"), false);
      assert.equal(await bucket.increment("c"), 1n);
    },
  },
  {
    id: "s19-special-keys",
    rule: "S19",
    subject: "ability",
    needs: ["increment"],
    title: "increments of special keys and of equal keys in other buckets are independent",
    async run(context) {
      const store = await context.store();
      const base = context.bucketName();
      const keys = ["", "a", "A", "a\0", "*", "__proto__", "é", "e\u0301", "😀", "k".repeat(200)];
      const buckets = await Promise.all([base, `${base}.b`, `${base}b`].map((name) => store.open(name)));
      for (const [place, bucket] of buckets.entries())
        for (const [index, key] of keys.entries()) await bucket.increment(key, 100 * place + index);
      for (const [place, bucket] of buckets.entries())
        for (const [index, key] of keys.entries())
          assert.equal(await bucket.increment(key, 0), BigInt(100 * place + index));
    },
  },
  {
    id: "s19-concurrent-increments",
    rule: "S19",
    subject: "ability",
    needs: ["increment"],
    title: "16 clients with 25 increments each reach the exact sum, and no two increments return the same result",
    async run(context) {
      const name = context.bucketName();
      const clients = await Promise.all(Array.from({ length: 16 }, () => context.bucket({ name })));
      const results = await Promise.all(
        clients.map(async (bucket) => {
          const own: bigint[] = [];
          for (let count = 0; count < 25; count++) own.push(await bucket.increment("counter"));
          return own;
        }),
      );
      sameBytes(await (clients[0] as Bucket).get("counter"), bytes("400"));
      assert.equal(new Set(results.flat()).size, 400, "each increment must return its own result");
      for (const own of results)
        assert.deepEqual(own, [...own].sort(ascending), "later increments must return larger results");
    },
  },
  {
    id: "s19-concurrent-first-increments",
    rule: "S19",
    subject: "ability",
    needs: ["increment"],
    title: "concurrent increments that create a key, or that convert a value that was set, are all counted",
    async run(context) {
      const name = context.bucketName();
      const clients = await Promise.all(Array.from({ length: 8 }, () => context.bucket({ name })));
      const [first] = clients as [Bucket];
      for (let round = 0; round < 5; round++) {
        await first.set(`set ${round}`, bytes("1000"));
        await Promise.all(
          clients.flatMap((bucket) => [bucket.increment(`new ${round}`), bucket.increment(`set ${round}`)]),
        );
        sameBytes(await first.get(`new ${round}`), bytes("8"));
        sameBytes(await first.get(`set ${round}`), bytes("1008"));
      }
    },
  },
  {
    id: "s19-bad-delta",
    rule: "S19",
    subject: "core",
    needs: ["increment"],
    title: "a delta that is neither a safe integer nor a 64-bit bigint is `invalid-argument`, and nothing is sent",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({ wrap });
      const deltas = [1.5, Number.NaN, Infinity, 2 ** 53, -(2 ** 53), most + 1n, least - 1n, "1", null, {}, true];
      for (const delta of deltas) {
        const call = bucket.increment("key", delta as number);
        assertNothingApplied(await batchErrorOf(call, "invalid-argument", `a delta of ${String(delta)}`), 1);
      }
      assert.equal(requests.length, 0);
    },
  },
];

function bytesOf(text: string | Uint8Array): Uint8Array {
  return typeof text === "string" ? bytes(text) : text;
}

function ascending(left: bigint, right: bigint): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
