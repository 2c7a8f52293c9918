import assert from "node:assert/strict";
import { BatchError, type Bucket, type Entry, type Outcome } from "@manykv/core";
import type { ConformanceCase } from "../conformance-case.js";
import { bytes, pattern, sameBytes } from "../support/bytes.js";
import { expire, farAway, soon } from "../support/expiry.js";
import { assertNothingApplied, assertOutcomes, batchErrorOf } from "../support/rejections.js";
import { textsOf } from "../support/texts.js";
import { outcomesOfWrite } from "../support/truth.js";

const ifAbsent = { ifAbsent: true };

/** Cases for rule S18: `set` and `setMany` with `ifAbsent`. */
export const ifAbsentCases: readonly ConformanceCase[] = [
  {
    id: "s18-set-creates",
    rule: "S18",
    subject: "ability",
    needs: ["ifAbsent"],
    title: "set with `ifAbsent` creates a missing key",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.set("key", bytes("first"), ifAbsent);
      sameBytes(await bucket.get("key"), bytes("first"));
    },
  },
  {
    id: "s18-set-keeps-an-existing-key",
    rule: "S18",
    subject: "ability",
    needs: ["ifAbsent"],
    title: "set with `ifAbsent` does not change an existing key: it is `not-applied` with code `precondition-failed`",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.set("key", bytes("first"));
      const error = await batchErrorOf(bucket.set("key", bytes("second"), ifAbsent), "precondition-failed");
      assertNothingApplied(error, 1);
      assert.equal(error.retryable, false);
      sameBytes(await bucket.get("key"), bytes("first"));
    },
  },
  {
    id: "s18-set-many-mixed",
    rule: "S18",
    subject: "ability",
    needs: ["ifAbsent"],
    title: "setMany with `ifAbsent` sets the missing keys, and reports each existing key by its index",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.setMany([
        ["b", bytes("old")],
        ["d", bytes("old")],
      ]);
      const error = await batchErrorOf(
        bucket.setMany(
          ["a", "b", "c", "d", "e"].map((key): Entry => [key, bytes(`new ${key}`)]),
          ifAbsent,
        ),
        "precondition-failed",
      );
      assertOutcomes(error, ["applied", "not-applied", "applied", "not-applied", "applied"]);
      assert.deepEqual(
        Array.from(error.failures(), ({ index, outcome, code }) => [index, outcome, code]),
        [1, 3].map((index) => [index, "not-applied", "precondition-failed"]),
      );
      assert.deepEqual(await textsOf(bucket, ["a", "b", "c", "d", "e"]), ["new a", "old", "new c", "old", "new e"]);
    },
  },
  {
    id: "s18-set-many-creates-all",
    rule: "S18",
    subject: "ability",
    needs: ["ifAbsent"],
    title: "setMany with `ifAbsent` resolves if no key exists, and sets no key if all exist",
    async run(context) {
      const bucket = await context.bucket();
      const keys = Array.from({ length: 300 }, (_, index) => `key ${index}`);
      await bucket.setMany(
        keys.map((key) => [key, bytes(key)]),
        ifAbsent,
      );
      const again = bucket.setMany(
        keys.map((key) => [key, bytes("second")]),
        ifAbsent,
      );
      assertNothingApplied(await batchErrorOf(again, "precondition-failed"), keys.length);
      assert.deepEqual(await textsOf(bucket, keys), keys);
    },
  },
  {
    id: "s18-across-seams",
    rule: "S18",
    subject: "ability",
    needs: ["ifAbsent"],
    title: "outcomes with `ifAbsent` are true if the batch is split into requests of one or three keys",
    async run(context) {
      for (const maxKeys of [1, 3]) {
        const bucket = await context.bucket({ store: { requestLimits: { maxKeys } } });
        const keys = Array.from({ length: 20 }, (_, index) => `key ${index}`);
        const exists = (index: number): boolean => index % 3 === 0;
        await bucket.setMany(keys.filter((_, index) => exists(index)).map((key) => [key, bytes("old")]));
        const write = bucket.setMany(
          keys.map((key) => [key, bytes("new")]),
          ifAbsent,
        );
        assertOutcomes(
          await batchErrorOf(write, "precondition-failed"),
          keys.map((_, index): Outcome => (exists(index) ? "not-applied" : "applied")),
        );
        assert.deepEqual(
          await textsOf(bucket, keys),
          keys.map((_, index) => (exists(index) ? "old" : "new")),
        );
      }
    },
  },
  {
    id: "s18-many-keys",
    rule: "S18",
    subject: "ability",
    needs: ["ifAbsent"],
    title: "setMany with `ifAbsent` of 600 keys, half of which exist, reports the outcome of each",
    async run(context) {
      const bucket = await context.bucket();
      const keys = Array.from({ length: 600 }, (_, index) => `key ${index}`);
      await bucket.setMany(keys.filter((_, index) => index % 2).map((key) => [key, bytes("old")]));
      const write = bucket.setMany(
        keys.map((key) => [key, bytes("new")]),
        { ifAbsent: true, timeout: 60_000 },
      );
      assertOutcomes(
        await batchErrorOf(write, "precondition-failed"),
        keys.map((_, index): Outcome => (index % 2 ? "not-applied" : "applied")),
      );
    },
  },
  {
    id: "s18-empty-value-exists",
    rule: "S18",
    subject: "ability",
    needs: ["ifAbsent"],
    title: "a key with an empty value exists, and an empty value can be set with `ifAbsent`",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.set("empty", new Uint8Array(0), ifAbsent);
      assert.equal(await bucket.exists("empty"), true);
      await batchErrorOf(bucket.set("empty", bytes("second"), ifAbsent), "precondition-failed");
      sameBytes(await bucket.get("empty"), new Uint8Array(0));
    },
  },
  {
    id: "s18-after-delete",
    rule: "S18",
    subject: "ability",
    needs: ["ifAbsent"],
    title: "`ifAbsent` sets a key that was deleted",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.set("key", bytes("first"), ifAbsent);
      await bucket.delete("key");
      await bucket.set("key", bytes("second"), ifAbsent);
      sameBytes(await bucket.get("key"), bytes("second"));
    },
  },
  {
    id: "s18-binary-values",
    rule: "S18",
    subject: "ability",
    needs: ["ifAbsent"],
    title: "`ifAbsent` stores binary and large values, and special keys, unchanged",
    async run(context) {
      const bucket = await context.bucket();
      const entries: Entry[] = [
        ["", pattern(256)],
        ["a\0b", pattern(100_000, 2)],
        ["*", new Uint8Array([0, 255, 13, 10])],
        ["😀", pattern(5_000, 3)],
      ];
      await bucket.setMany(entries, ifAbsent);
      for (const [key, value] of entries) sameBytes(await bucket.get(key), value);
    },
  },
  {
    id: "s18-other-buckets",
    rule: "S18",
    subject: "ability",
    needs: ["ifAbsent"],
    title: "a key of another bucket does not count as existing",
    async run(context) {
      const store = await context.store();
      const base = context.bucketName();
      const [one, other] = [await store.open(base), await store.open(`${base}.b`)];
      await one.set("key", bytes("one"), ifAbsent);
      await other.set("key", bytes("other"), ifAbsent);
      sameBytes(await one.get("key"), bytes("one"));
      sameBytes(await other.get("key"), bytes("other"));
    },
  },
  {
    id: "s18-with-ttl",
    rule: "S18",
    subject: "ability",
    needs: ["ifAbsent", "ttl"],
    title: "with `ifAbsent`, a created key gets its `ttl`, and an existing key keeps its expiry or the lack of one",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.setMany([
        ["expires", bytes("old"), { ttl: farAway }],
        ["stays", bytes("old")],
      ]);
      await expire(soon, async () => {
        const write = bucket.setMany(
          [
            ["expires", bytes("new"), { ttl: soon }],
            ["stays", bytes("new")],
            ["created", bytes("new")],
            ["own", bytes("new"), { ttl: farAway }],
          ],
          { ifAbsent: true, ttl: soon },
        );
        assertOutcomes(await batchErrorOf(write), ["not-applied", "not-applied", "applied", "applied"]);
      });
      const [expires, stays, created, own] = await bucket.ttlMany(["expires", "stays", "created", "own"]);
      for (const left of [expires, own]) assert.ok(typeof left === "number" && left > farAway / 2);
      assert.deepEqual([stays, created], [null, undefined]);
    },
  },
  {
    id: "s18-one-winner",
    rule: "S18",
    subject: "ability",
    needs: ["ifAbsent"],
    title:
      "if 16 clients create the same 15 keys, each key has one winner, all outcomes say so, and its value is stored",
    async run(context) {
      const name = context.bucketName();
      const keys = Array.from({ length: 15 }, (_, index) => `key ${index}`);
      const clients = await Promise.all(Array.from({ length: 16 }, () => context.bucket({ name })));
      const outcomes = await Promise.all(
        clients.map((bucket, client) => {
          const entries = keys.map((key): Entry => [key, bytes(`client ${client}`)]);
          return outcomesOfWrite(bucket.setMany(entries, { ifAbsent: true, timeout: 60_000 }), keys.length);
        }),
      );
      const texts = await textsOf(clients[0] as Bucket, keys);
      for (const [index, key] of keys.entries()) {
        const told = outcomes.map((of) => of[index]);
        const winners = [...told.keys()].filter((client) => told[client] === "applied");
        assert.equal(winners.length, 1, `${key} must have one winner, not ${winners.length}`);
        assert.ok(!told.includes("unknown"), "without faults, no outcome is unknown");
        assert.equal(texts[index], `client ${winners[0]}`);
      }
    },
  },
  {
    id: "s18-false-overwrites",
    rule: "S18",
    subject: "ability",
    needs: ["ifAbsent"],
    title: "`ifAbsent: false` and `ifAbsent: undefined` overwrite an existing key",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.set("key", bytes("first"));
      await bucket.set("key", bytes("second"), { ifAbsent: false });
      sameBytes(await bucket.get("key"), bytes("second"));
      await bucket.setMany([["key", bytes("third")]], { ifAbsent: undefined });
      sameBytes(await bucket.get("key"), bytes("third"));
    },
  },
  {
    id: "s05-first-wins-if-absent",
    rule: "S5",
    subject: "ability",
    needs: ["ifAbsent"],
    title: "with `ifAbsent`, the first entry of a duplicate key is set, and later ones are `not-applied`",
    async run(context) {
      for (const requestLimits of [{}, { maxKeys: 1 }]) {
        const bucket = await context.bucket({ store: { requestLimits } });
        await bucket.set("existing", bytes("old"));
        const entries: Entry[] = ["a", "existing", "a", "b", "existing", "a"].map((key, index) => [
          key,
          bytes(`entry ${index}`),
        ]);
        const error = await batchErrorOf(bucket.setMany(entries, ifAbsent), "precondition-failed");
        assertOutcomes(error, ["applied", "not-applied", "not-applied", "applied", "not-applied", "not-applied"]);
        for (const { code } of error.failures()) assert.equal(code, "precondition-failed");
        assert.deepEqual(await textsOf(bucket, ["a", "b", "existing"]), ["entry 0", "entry 3", "old"]);
      }
    },
  },
  {
    id: "s05-last-ttl-wins",
    rule: "S5",
    subject: "ability",
    needs: ["ttl"],
    title: "if a key occurs more than once, the `ttl` of its last entry wins, even if that entry has none",
    async run(context) {
      for (const requestLimits of [{}, { maxKeys: 1 }]) {
        const bucket = await context.bucket({ store: { requestLimits } });
        await expire(soon, () =>
          bucket.setMany([
            ["none", bytes("1"), { ttl: soon }],
            ["short", bytes("1"), { ttl: farAway }],
            ["long", bytes("1"), { ttl: soon }],
            ["short", bytes("2"), { ttl: soon }],
            ["none", bytes("2")],
            ["long", bytes("2"), { ttl: farAway }],
          ]),
        );
        assert.deepEqual(await textsOf(bucket, ["none", "short", "long"]), ["2", undefined, "2"]);
        const [none, long] = await bucket.ttlMany(["none", "long"]);
        assert.equal(none, null);
        assert.ok(typeof long === "number" && long > farAway / 2);
      }
    },
  },
  {
    id: "s05-first-ttl-wins-if-absent",
    rule: "S5",
    subject: "ability",
    needs: ["ttl", "ifAbsent"],
    title: "with `ifAbsent`, the `ttl` of the first entry of a duplicate key wins",
    async run(context) {
      const bucket = await context.bucket();
      const write = bucket.setMany(
        [
          ["a", bytes("1"), { ttl: farAway }],
          ["b", bytes("1")],
          ["a", bytes("2"), { ttl: soon }],
          ["b", bytes("2"), { ttl: soon }],
        ],
        ifAbsent,
      );
      assert.ok(BatchError.is(await write.catch((reason: unknown) => reason)));
      const [a, b] = await bucket.ttlMany(["a", "b"]);
      assert.ok(typeof a === "number" && a > farAway / 2);
      assert.equal(b, null);
    },
  },
];
