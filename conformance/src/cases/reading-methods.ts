import assert from "node:assert/strict";
import type { ConformanceCase } from "../conformance-case.js";
import { wrapDriver } from "../faults/wrap-driver.js";
import { bytes, sameBytes } from "../support/bytes.js";
import { farAway } from "../support/expiry.js";
import { recordRequests } from "../support/recording-driver.js";
import { rejectsWith } from "../support/rejections.js";

const value = bytes("v");

/** Cases for rules S4, S6 and S10: `existsMany`, `getMap` and `ttlMany`. */
export const readingMethodCases: readonly ConformanceCase[] = [
  {
    id: "s04-exists-many",
    rule: "S4",
    subject: "driver",
    title: "existsMany returns one answer per key, in the order of the keys and with duplicates, also across requests",
    async run(context) {
      for (const requestLimits of [{}, { maxKeys: 3 }]) {
        const bucket = await context.bucket({ store: { requestLimits } });
        const keys = Array.from({ length: 40 }, (_, index) => `key ${index}`);
        const exists = (index: number): boolean => index % 3 !== 0;
        await bucket.setMany(keys.filter((_, index) => exists(index)).map((key) => [key, new Uint8Array(0)]));
        const asked = [...keys, ...[...keys].reverse(), "missing", "key 1", "key 1"];
        const expected = [...keys.keys(), ...[...keys.keys()].reverse(), 0, 1, 1].map(exists);
        assert.deepEqual(await bucket.existsMany(asked), expected);
        assert.deepEqual(await bucket.existsMany(new Set(["key 0", "key 1"])), [false, true]);
      }
    },
  },
  {
    id: "s04-exists-many-without-exists",
    rule: "S4",
    subject: "core",
    title: "if the driver has no `exists`, existsMany reads the values instead and returns the same",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({ wrap: (driver) => wrap(wrapDriver(driver, {}, ["exists"])) });
      await bucket.setMany([
        ["a", value],
        ["empty", new Uint8Array(0)],
      ]);
      requests.length = 0;
      assert.deepEqual(await bucket.existsMany(["empty", "missing", "a", "empty"]), [true, false, true, true]);
      assert.deepEqual(
        requests.map(({ operation }) => operation),
        ["get"],
      );
    },
  },
  {
    id: "s04-get-map",
    rule: "S4",
    subject: "driver",
    title: "getMap returns a Map of the keys that exist, in the order of their first occurrence, also across requests",
    async run(context) {
      for (const requestLimits of [{}, { maxKeys: 2 }]) {
        const bucket = await context.bucket({ store: { requestLimits } });
        const keys = ["b", "", "__proto__", "a", "😀"];
        await bucket.setMany(keys.map((key) => [key, bytes(`of ${key}`)]));
        const map = await bucket.getMap(["missing", "b", "__proto__", "", "b", "constructor", "😀", "a"]);
        assert.ok(map instanceof Map);
        assert.deepEqual([...map.keys()], ["b", "__proto__", "", "😀", "a"]);
        for (const [key, found] of map) sameBytes(found, bytes(`of ${key}`));
      }
    },
  },
  {
    id: "s06-empty-exists-many",
    rule: "S6",
    subject: "core",
    title: "existsMany, getMap and ttlMany of no keys return nothing and send nothing",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({
        wrap: (driver) => wrap(wrapDriver(driver, { ttl: async () => ({ values: [] }) })),
      });
      for (const keys of [[], new Set<string>()]) {
        assert.deepEqual(await bucket.existsMany(keys), []);
        assert.deepEqual(await bucket.ttlMany(keys), []);
        assert.equal((await bucket.getMap(keys)).size, 0);
      }
      assert.equal(requests.length, 0);
    },
  },
  {
    id: "s06-empty-set-many-with-options",
    rule: "S6",
    subject: "core",
    needs: ["ttl", "ifAbsent"],
    title:
      "setMany of no entries with `ttl` or `ifAbsent` resolves and sends nothing, and clear of no keys deletes nothing",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({ wrap });
      await bucket.setMany([], { ttl: farAway });
      await bucket.setMany(new Map(), { ifAbsent: true, ttl: farAway });
      assert.equal(requests.length, 0);
      await bucket.clear();
      assert.ok(!requests.some(({ operation }) => operation === "delete"));
    },
  },
  {
    id: "s10-ttl-answer-too-short",
    rule: "S10",
    subject: "core",
    title: "if a driver returns too few values, existsMany and ttlMany reject instead of reporting missing keys",
    async run(context) {
      const bucket = await context.bucket({
        wrap: (driver) =>
          wrapDriver(driver, { exists: async () => ({ values: [true] }), ttl: async () => ({ values: [null] }) }),
      });
      await rejectsWith(bucket.existsMany(["a", "b"]), "internal");
      await rejectsWith(bucket.ttlMany(["a", "b"]), "internal");
    },
  },
];
