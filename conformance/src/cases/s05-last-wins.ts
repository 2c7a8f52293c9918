import assert from "node:assert/strict";
import type { Entry } from "@manykv/core";
import type { ConformanceCase } from "../conformance-case.js";
import { faultDriver } from "../faults/fault-driver.js";
import { bytes, pattern, sameBytes } from "../support/bytes.js";
import { recordRequests } from "../support/recording-driver.js";

/** Cases for rule S5: duplicate keys in a batch. If a `setMany` contains a key more than once, the last value wins. */
export const lastWinsCases: readonly ConformanceCase[] = [
  {
    id: "s05-last-wins",
    rule: "S5",
    subject: "core",
    title: "if a key occurs two or three times, the last value is stored",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.setMany([
        ["a", bytes("1")],
        ["b", bytes("2")],
        ["a", bytes("3")],
        ["a", bytes("4")],
        ["b", bytes("5")],
      ]);
      sameBytes(await bucket.get("a"), bytes("4"));
      sameBytes(await bucket.get("b"), bytes("5"));
    },
  },
  {
    id: "s05-last-wins-across-seams",
    rule: "S5",
    subject: "core",
    title: "the last value is stored even if the batch is split into several requests",
    async run(context) {
      const bucket = await context.bucket({ store: { requestLimits: { maxKeys: 1 } } });
      const entries = Array.from({ length: 30 }, (_, index): Entry => [`key ${index % 3}`, bytes(`value ${index}`)]);
      await bucket.setMany(entries);
      for (const index of [0, 1, 2]) sameBytes(await bucket.get(`key ${index}`), bytes(`value ${27 + index}`));
    },
  },
  {
    id: "s05-last-wins-by-size",
    rule: "S5",
    subject: "core",
    title: "the last value is stored whether it is smaller or larger than the earlier value, or empty",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.setMany([
        ["shrinks", pattern(5000)],
        ["grows", bytes("1")],
        ["empties", pattern(5000)],
        ["shrinks", bytes("2")],
        ["grows", pattern(5000, 2)],
        ["empties", new Uint8Array(0)],
      ]);
      sameBytes(await bucket.get("shrinks"), bytes("2"));
      sameBytes(await bucket.get("grows"), pattern(5000, 2));
      sameBytes(await bucket.get("empties"), new Uint8Array(0));
    },
  },
  {
    id: "s05-last-wins-after-retry",
    rule: "S5",
    subject: "core",
    title: "the last value is stored even if requests are throttled and retried in another order",
    async run(context) {
      const throttle = new Set([0, 2, 3, 5]);
      const bucket = await context.bucket({
        store: { requestLimits: { maxKeys: 2 }, retry: { baseDelay: 2 } },
        wrap: (driver) =>
          faultDriver(driver, ({ call }) =>
            throttle.has(call) ? { kind: "keys", of: () => ({ kind: "unprocessed" }) } : undefined,
          ),
      });
      const entries = Array.from({ length: 20 }, (_, index): Entry => [`key ${index % 5}`, bytes(`value ${index}`)]);
      await bucket.setMany(entries);
      for (const index of [0, 1, 2, 3, 4]) sameBytes(await bucket.get(`key ${index}`), bytes(`value ${15 + index}`));
    },
  },
  {
    id: "s05-thousands-of-duplicates",
    rule: "S5",
    subject: "core",
    alone: true,
    title:
      "setMany with 20,000 entries for 50 keys stores the last value of each key, and each call sends each key once",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({ wrap });
      const keys = Array.from({ length: 20_000 }, (_, index) => `key ${(index * 7) % 50}`);
      await bucket.setMany(keys.map((key, index) => [key, bytes(`value ${index}`)]));
      const answers = await bucket.getMany(keys);
      const last = new Map(keys.map((key, index) => [key, bytes(`value ${index}`)]));
      for (const [index, key] of keys.entries()) {
        assert.equal(answers[index]?.[0], key);
        sameBytes(answers[index]?.[1], last.get(key) as Uint8Array);
      }
      await bucket.deleteMany(keys);
      assert.equal(
        requests.reduce((sum, request) => sum + request.keys.length, 0),
        3 * 50,
        "each call must send each key once",
      );
    },
  },
  {
    id: "s05-driver-sees-no-duplicate",
    rule: "S5",
    subject: "core",
    title: "no request to the driver contains a duplicate key",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({ wrap, store: { requestLimits: {} } });
      await bucket.setMany([
        ["a", bytes("1")],
        ["a", bytes("2")],
        ["b", bytes("3")],
      ]);
      await bucket.getMany(["a", "a", "b", "a"]);
      await bucket.deleteMany(["b", "b", "a"]);
      for (const { keys } of requests) assert.equal(new Set(keys).size, keys.length);
      assert.deepEqual(
        requests.map(({ keys }) => keys.length),
        [2, 2, 2],
      );
    },
  },
  {
    id: "s05-duplicate-deletes",
    rule: "S5",
    subject: "core",
    title: "deleteMany with duplicate keys succeeds and deletes them",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.setMany([
        ["a", bytes("1")],
        ["b", bytes("2")],
      ]);
      await bucket.deleteMany(["a", "a", "missing", "a", "missing"]);
      assert.deepEqual(
        (await bucket.getMany(["a", "b"])).map((answer) => answer?.[0]),
        [undefined, "b"],
      );
    },
  },
];
