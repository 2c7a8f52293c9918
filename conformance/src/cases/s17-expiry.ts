import assert from "node:assert/strict";
import type { Bucket, Entry } from "@manykv/core";
import type { ConformanceCase } from "../conformance-case.js";
import { bytes, sameBytes } from "../support/bytes.js";
import { clockTolerance, everyMethod, expire, expiryOf, farAway, soon, whoSees } from "../support/expiry.js";
import { clearTimeout, keysIn } from "../support/listed.js";

const value = bytes("v");

/** Cases for rule S17: keys with a time to live. */
export const expiryCases: readonly ConformanceCase[] = [
  {
    id: "s17-never-before",
    rule: "S17",
    subject: "ability",
    needs: ["ttl"],
    title: "a key exists until its time to live has passed, even if it is read often, and is missing afterwards",
    async run(context) {
      const bucket = await context.bucket();
      let readsBefore = 0;
      // If the machine stalls, no read is early enough. The case then extends the time.
      for (let ttl = 250; readsBefore === 0 && ttl <= 16_000; ttl *= 4) {
        const { earliest, latest } = await expiryOf(ttl, () => bucket.set("key", value, { ttl }));
        for (let started = 0; started < latest + clockTolerance; ) {
          started = performance.now();
          const found = await bucket.get("key");
          const isEarly = performance.now() < earliest - clockTolerance;
          if (isEarly) readsBefore++;
          assert.ok(!isEarly || found !== undefined, "the key must exist until its time has passed");
          assert.ok(
            started < latest + clockTolerance || found === undefined,
            "the key must be missing after its time has passed",
          );
        }
      }
      assert.ok(readsBefore > 0, "a read must finish before the key expires");
    },
  },
  {
    id: "s17-expired-key-is-missing",
    rule: "S17",
    subject: "ability",
    needs: ["ttl"],
    title: "no reading method finds an expired key, and all of them find a key whose time has not passed",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.set("stays", value, { ttl: farAway });
      await expire(soon, () => bucket.set("gone", value, { ttl: soon }));
      assert.deepEqual(await whoSees(bucket, "gone"), everyMethod(false));
      assert.deepEqual(await whoSees(bucket, "stays"), everyMethod(true));
    },
  },
  {
    id: "s17-set-many-expires",
    rule: "S17",
    subject: "ability",
    needs: ["ttl"],
    title: "all keys of a setMany with `ttl` expire",
    async run(context) {
      const bucket = await context.bucket();
      const keys = Array.from({ length: 500 }, (_, index) => `gone ${index}`);
      await bucket.set("stays", value);
      await expire(soon, () =>
        bucket.setMany(
          keys.map((key) => [key, bytes(key)]),
          { ttl: soon },
        ),
      );
      assert.deepEqual([...(await bucket.getMap([...keys, "stays"])).keys()], ["stays"]);
      assert.deepEqual(await keysIn(bucket), ["stays"]);
      assert.ok(!(await bucket.existsMany(keys)).includes(true));
    },
  },
  {
    id: "s17-ttl-of-an-entry",
    rule: "S17",
    subject: "ability",
    needs: ["ttl"],
    title: "the `ttl` of an entry replaces that of the call, and an entry without its own has that of the call",
    async run(context) {
      const bucket = await context.bucket();
      const entries: Entry[] = [
        ["own and short", value, { ttl: soon }],
        ["of the call", value],
        ["empty options", value, {}],
        ["undefined", value, { ttl: undefined }],
        ["own and long", value, { ttl: 2 * farAway }],
      ];
      await expire(soon, () => bucket.setMany(entries, { ttl: farAway }));
      const [gone, ...left] = await bucket.ttlMany(entries.map(([key]) => key));
      assert.equal(gone, undefined);
      for (const [index, most] of [farAway, farAway, farAway, 2 * farAway].entries())
        assertLeft(left[index], most, entries[index + 1]?.[0]);
    },
  },
  {
    id: "s17-mixed-batch",
    rule: "S17",
    subject: "ability",
    needs: ["ttl"],
    title: "entries with and without `ttl` in one setMany each keep their own, even if the batch is split",
    async run(context) {
      for (const requestLimits of [{}, { maxKeys: 3 }]) {
        const bucket = await context.bucket({ store: { requestLimits } });
        const entries = Array.from({ length: 40 }, (_, index): Entry => {
          if (index % 4 === 0) return [`key ${index}`, bytes(`${index}`)];
          return [`key ${index}`, bytes(`${index}`), { ttl: index % 4 === 1 ? soon : index * farAway }];
        });
        await expire(soon, () => bucket.setMany(entries));
        const left = await bucket.ttlMany(entries.map(([key]) => key));
        const found = await bucket.getMany(entries.map(([key]) => key));
        for (const [index, [key, written]] of entries.entries()) {
          if (index % 4 === 1) assert.equal(left[index], undefined, key);
          else if (index % 4 === 0) assert.equal(left[index], null, key);
          else assertLeft(left[index], index * farAway, key);
          if (index % 4 === 1) assert.equal(found[index], undefined, key);
          else sameBytes(found[index]?.[1], written, key);
        }
      }
    },
  },
  {
    id: "s17-set-removes-an-expiry",
    rule: "S17",
    subject: "ability",
    needs: ["ttl"],
    title: "set and setMany without `ttl` remove an earlier expiry",
    async run(context) {
      const bucket = await context.bucket();
      const keys = ["by set", "by setMany", "by setMany with others"];
      await expire(soon, async () => {
        await bucket.setMany(
          keys.map((key) => [key, bytes("old")]),
          { ttl: soon },
        );
        await bucket.set("by set", value);
        await bucket.setMany([["by setMany", value]]);
        await bucket.setMany([
          ["by setMany with others", value],
          ["other", value, { ttl: farAway }],
        ]);
      });
      assert.deepEqual(await bucket.ttlMany(keys), [null, null, null]);
      for (const key of keys) sameBytes(await bucket.get(key), value);
    },
  },
  {
    id: "s17-set-replaces-an-expiry",
    rule: "S17",
    subject: "ability",
    needs: ["ttl"],
    title:
      "a set with `ttl` replaces an earlier expiry, whether it was earlier, later or absent, even for the same value",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.setMany([
        ["later", value, { ttl: soon }],
        ["earlier", value, { ttl: farAway }],
        ["none", value],
      ]);
      await expire(soon, () =>
        bucket.setMany([
          ["later", value, { ttl: farAway }],
          ["earlier", value, { ttl: soon }],
          ["none", value, { ttl: soon }],
        ]),
      );
      const [later, earlier, none] = await bucket.ttlMany(["later", "earlier", "none"]);
      assert.deepEqual([earlier, none], [undefined, undefined]);
      assertLeft(later, farAway, "later");
    },
  },
  {
    id: "s17-set-after-an-expired-key",
    rule: "S17",
    subject: "ability",
    needs: ["ttl"],
    title: "a key that is set again after it expired or was deleted has no expiry",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.set("deleted", value, { ttl: farAway });
      await bucket.delete("deleted");
      await expire(soon, () => bucket.set("expired", value, { ttl: soon }));
      await bucket.deleteMany(["expired", "missing"]);
      await bucket.setMany([
        ["deleted", value],
        ["expired", value],
      ]);
      assert.deepEqual(await bucket.ttlMany(["deleted", "expired"]), [null, null]);
    },
  },
  {
    id: "s17-ttl-many",
    rule: "S17",
    subject: "ability",
    needs: ["ttl"],
    title:
      "ttlMany returns milliseconds, `null` without an expiry and `undefined` for a missing key, in the order of the keys",
    async run(context) {
      const bucket = await context.bucket();
      assert.deepEqual(await bucket.ttlMany(["missing"]), [undefined]);
      const sent = performance.now();
      await bucket.setMany([
        ["none", value],
        ["hour", value, { ttl: farAway }],
        ["minute", value, { ttl: 60_000 }],
      ]);
      const left = await bucket.ttlMany(["missing", "minute", "none", "hour", "minute", "missing"]);
      const elapsed = Math.ceil(performance.now() - sent) + clockTolerance;
      assert.deepEqual([left[0], left[2], left[5]], [undefined, null, undefined]);
      for (const [index, ttl] of [
        [1, 60_000],
        [3, farAway],
        [4, 60_000],
      ] as const) {
        assertLeft(left[index], ttl, `index ${index}`);
        assert.ok((left[index] as number) >= ttl - elapsed, "ttlMany must return milliseconds");
      }
    },
  },
  {
    id: "s17-ttl-many-across-seams",
    rule: "S17",
    subject: "ability",
    needs: ["ttl"],
    title: "ttlMany of many keys returns each key's own time, even if it is split into several requests",
    async run(context) {
      for (const requestLimits of [{}, { maxKeys: 2 }]) {
        const bucket = await context.bucket({ store: { requestLimits } });
        const keys = Array.from({ length: 60 }, (_, index) => `key ${index}`);
        await bucket.setMany(keys.map((key, index) => [key, value, index % 3 ? { ttl: (index + 1) * farAway } : {}]));
        const left = await bucket.ttlMany(["missing", ...keys]);
        assert.equal(left.length, keys.length + 1);
        for (const [index, key] of keys.entries()) {
          const found = left[index + 1];
          if (index % 3 === 0) assert.equal(found, null, key);
          else {
            assertLeft(found, (index + 1) * farAway, key);
            assert.ok((found as number) > index * farAway, key);
          }
        }
      }
    },
  },
  {
    id: "s17-longest-ttl",
    rule: "S17",
    subject: "ability",
    needs: ["ttl"],
    title: "a `ttl` of up to 2^53 - 1 ms is accepted, and the key exists",
    async run(context) {
      const bucket = await context.bucket();
      const ttls = [2 ** 31 - 1, 2 ** 31, 2 ** 32, 1e13, 2 ** 52, Number.MAX_SAFE_INTEGER];
      await bucket.setMany(ttls.map((ttl) => [`${ttl}`, value, { ttl }]));
      const left = await bucket.ttlMany(ttls.map(String));
      for (const [index, ttl] of ttls.entries()) {
        sameBytes(await bucket.get(`${ttl}`), value);
        // An engine need not represent such a late time. The key must exist for the next 30 years.
        const found = left[index] ?? Infinity;
        assert.ok(found > Math.min(ttl - 120_000, 1e12), `ttlMany must not return ${found} for a \`ttl\` of ${ttl}`);
      }
    },
  },
  {
    id: "s17-shortest-ttl",
    rule: "S17",
    subject: "ability",
    needs: ["ttl"],
    title: "a `ttl` of 1 ms is accepted, and the key is missing afterwards",
    async run(context) {
      const bucket = await context.bucket();
      await expire(1, () => bucket.set("single", value, { ttl: 1 }));
      await expire(1, () => bucket.setMany([["batch", value]], { ttl: 1 }));
      assert.deepEqual(await bucket.existsMany(["single", "batch"]), [false, false]);
    },
  },
  {
    id: "s17-other-clients",
    rule: "S17",
    subject: "ability",
    needs: ["ttl"],
    title: "another client sees the time that is left, and does not see an expired key",
    async run(context) {
      const name = context.bucketName();
      const [one, other] = [await context.bucket({ name }), await context.bucket({ name })];
      await one.set("stays", value, { ttl: farAway });
      await expire(soon, () => one.set("gone", value, { ttl: soon }));
      assert.deepEqual(await whoSees(other, "gone"), everyMethod(false));
      assert.deepEqual(await whoSees(other, "stays"), everyMethod(true));
      // If requests cannot use the clock of the engine, clients may estimate its time differently.
      assertLeft((await other.ttlMany(["stays"]))[0], farAway + 2_000, "stays");
    },
  },
  {
    id: "s17-each-key-at-its-own-time",
    rule: "S17",
    subject: "ability",
    needs: ["ttl"],
    title: "400 keys with different times: each read returns every key whose time has not passed, and no expired key",
    async run(context) {
      const bucket = await context.bucket();
      const keys = Array.from({ length: 400 }, (_, index) => `key ${index}`);
      const ttlOf = (index: number): number => 50 + ((index * 7) % 400);
      const { earliest, latest } = await expiryOf(0, () =>
        bucket.setMany(keys.map((key, index) => [key, value, { ttl: ttlOf(index) }])),
      );
      for (let started = 0; started < latest + 450 + clockTolerance; ) {
        started = performance.now();
        const found = await bucket.existsMany(keys);
        const ended = performance.now();
        for (const [index, key] of keys.entries()) {
          const ttl = ttlOf(index);
          if (ended < earliest + ttl - clockTolerance) assert.ok(found[index], `${key} must exist`);
          if (started >= latest + ttl + clockTolerance) assert.ok(!found[index], `${key} must be missing`);
        }
      }
      assert.deepEqual(await keysIn(bucket), []);
    },
  },
  {
    id: "s17-expired-keys-between-others",
    rule: "S17",
    subject: "ability",
    needs: ["ttl"],
    title: "a listing of many pages skips expired keys and contains all others",
    async run(context) {
      const bucket = await context.bucket();
      const keys = Array.from({ length: 3_000 }, (_, index) => `key ${String(index).padStart(4, "0")}`);
      const isGone = (index: number): boolean => index % 3 === 0 || (index > 800 && index < 2_200);
      await expire(soon, () =>
        bucket.setMany(keys.map((key, index) => [key, value, isGone(index) ? { ttl: soon } : { ttl: farAway }])),
      );
      assert.deepEqual(
        await keysIn(bucket),
        keys.filter((_, index) => !isGone(index)),
      );
    },
  },
  {
    id: "s17-expired-key-is-created",
    rule: "S17",
    subject: "ability",
    needs: ["ttl", "ifAbsent"],
    title: "`ifAbsent` sets an expired key, with the new `ttl` or without an expiry",
    async run(context) {
      const bucket = await context.bucket();
      await expireTwo(bucket);
      await bucket.setMany([["a", bytes("new"), { ttl: farAway }]], { ifAbsent: true });
      await bucket.set("b", bytes("new"), { ifAbsent: true });
      for (const key of ["a", "b"]) sameBytes(await bucket.get(key), bytes("new"));
      const [left, none] = await bucket.ttlMany(["a", "b"]);
      assertLeft(left, farAway, "a");
      assert.equal(none, null);
    },
  },
  {
    id: "s17-expired-key-counts-as-0",
    rule: "S17",
    subject: "ability",
    needs: ["ttl", "increment"],
    title: "an increment of an expired key starts at 0, with its own `ttl` or without an expiry",
    async run(context) {
      const bucket = await context.bucket();
      await expireTwo(bucket);
      assert.equal(await bucket.increment("a", 5, { ttl: farAway }), 5n);
      assert.equal(await bucket.increment("b", -1), -1n);
      const [left, none] = await bucket.ttlMany(["a", "b"]);
      assertLeft(left, farAway, "a");
      assert.equal(none, null);
    },
  },
  {
    id: "s17-expired-key-does-not-equal",
    rule: "S17",
    subject: "ability",
    needs: ["ttl", "compareAndSwap"],
    title: "for compareAndSwap, an expired key does not exist, and a key that it creates has no expiry",
    async run(context) {
      const bucket = await context.bucket();
      await expireTwo(bucket);
      const current = await bucket.compareAndSwap("a", { expected: bytes("12"), value: bytes("new") });
      assert.deepEqual(current, { swapped: false, current: undefined });
      assert.deepEqual(await bucket.compareAndSwap("a", { expected: undefined, value: bytes("new") }), {
        swapped: true,
      });
      assert.deepEqual(await bucket.compareAndSwap("b", { expected: undefined, value: undefined }), { swapped: true });
      sameBytes(await bucket.get("a"), bytes("new"));
      assert.deepEqual(await bucket.ttlMany(["a", "b"]), [null, undefined]);
    },
  },
  {
    id: "s17-delete-of-expired-keys",
    rule: "S17",
    subject: "ability",
    needs: ["ttl"],
    title: "delete, deleteMany and clear succeed for expired keys",
    async run(context) {
      const bucket = await context.bucket();
      await expireTwo(bucket);
      await bucket.delete("a");
      await bucket.deleteMany(["a", "b"]);
      await expireTwo(bucket);
      await bucket.clear({ timeout: clearTimeout });
      assert.deepEqual(await bucket.ttlMany(["a", "b"]), [undefined, undefined]);
    },
  },
  {
    id: "s17-sweep",
    rule: "S17",
    subject: "ability",
    needs: ["ttl"],
    title: "sweep returns a number, deletes no key whose time has not passed, and can be repeated",
    async run(context) {
      const store = await context.store();
      const bucket = await store.open(context.bucketName());
      const keys = Array.from({ length: 300 }, (_, index) => `key ${index}`);
      await bucket.setMany([
        ["none", value],
        ["later", value, { ttl: farAway }],
      ]);
      await expire(soon, () =>
        bucket.setMany(
          keys.map((key) => [key, value]),
          { ttl: soon },
        ),
      );
      for (let repetition = 0; repetition < 2; repetition++) {
        const swept = await store.sweep({ timeout: 60_000 });
        assert.ok(Number.isSafeInteger(swept) && swept >= 0, "sweep must return a number of keys");
        assert.deepEqual(await keysIn(bucket), ["later", "none"]);
      }
      const [left, none] = await bucket.ttlMany(["later", "none"]);
      assertLeft(left, farAway, "later");
      assert.equal(none, null);
    },
  },
];

/** Sets the keys `a` and `b` to 12 and waits until they have expired. */
async function expireTwo(bucket: Bucket): Promise<void> {
  const entries: Entry[] = [
    ["a", bytes("12")],
    ["b", bytes("12")],
  ];
  await expire(soon, () => bucket.setMany(entries, { ttl: soon }));
}

/** Asserts that a remaining time is an integer of milliseconds, at most `most`, and that most of it is left. */
function assertLeft(left: number | null | undefined, most: number, what = "the key"): void {
  assert.ok(typeof left === "number", `${what} must have an expiry, not ${left}`);
  assert.ok(Number.isSafeInteger(left), `the remaining time of ${what} must be an integer, not ${left}`);
  assert.ok(left <= most + clockTolerance && left > most - 120_000, `${what} must have about ${most} ms, not ${left}`);
}
