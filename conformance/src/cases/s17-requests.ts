import assert from "node:assert/strict";
import type { Bucket, Entry } from "@manykv/core";
import { changeRequest } from "@manykv/core/driver";
import type { ConformanceCase } from "../conformance-case.js";
import { faultDriver } from "../faults/fault-driver.js";
import { sendSet, wrapDriver } from "../faults/wrap-driver.js";
import { bytes, sameBytes } from "../support/bytes.js";
import { farAway } from "../support/expiry.js";
import { quickRetry } from "../support/faulty-write.js";
import { recordRequests } from "../support/recording-driver.js";
import { assertNothingApplied, batchErrorOf } from "../support/rejections.js";

const value = bytes("v");

/** Values of `ttl` that are not integers from 1 to 2^53 - 1. */
const badTtls: readonly unknown[] = [0, -1, 1.5, Number.NaN, Infinity, -Infinity, 2 ** 53, "5", 5n, null, {}, true];

/** Cases for rule S17: which times to live core accepts, and which requests it sends. */
export const ttlRequestCases: readonly ConformanceCase[] = [
  {
    id: "s17-bad-ttl",
    rule: "S17",
    subject: "core",
    needs: ["ttl"],
    title:
      "a `ttl` that is not an integer from 1 to 2^53 - 1 is `invalid-argument` in set and setMany, and nothing is sent",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({ wrap });
      for (const bad of badTtls) {
        const ttl = bad as number;
        const what = `a ttl of ${String(bad)}`;
        assertNothingApplied(await batchErrorOf(bucket.set("a", value, { ttl }), "invalid-argument", what), 1);
        const call = bucket.setMany([["a", value]], { ttl });
        assertNothingApplied(await batchErrorOf(call, "invalid-argument", what), 1);
      }
      assert.equal(requests.length, 0);
    },
  },
  {
    id: "s17-bad-ttl-of-an-increment",
    rule: "S17",
    subject: "core",
    needs: ["ttl", "increment"],
    title: "an invalid `ttl` of an increment is `invalid-argument`, and nothing is sent",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({ wrap });
      for (const bad of badTtls) {
        const call = bucket.increment("a", 1, { ttl: bad as number });
        assertNothingApplied(await batchErrorOf(call, "invalid-argument", `a ttl of ${String(bad)}`), 1);
      }
      assert.equal(requests.length, 0);
    },
  },
  {
    id: "s17-bad-entry-options",
    rule: "S17",
    subject: "core",
    needs: ["ttl"],
    title: "invalid options of an entry are `invalid-argument` with the index of the entry, and nothing is sent",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({ wrap });
      const bad: readonly unknown[] = [
        ...badTtls.map((ttl) => ({ ttl })),
        null,
        5,
        "ttl",
        { TTL: 5 },
        { ifAbsent: true },
      ];
      for (const options of bad) {
        const entries = [
          ["a", value],
          ["b", value, options],
          ["c", value],
        ] as unknown as Entry[];
        const error = await batchErrorOf(bucket.setMany(entries), "invalid-argument");
        assertNothingApplied(error, 3);
        assert.match(error.message, /entry 1\b/);
      }
      const four = [["a", value, {}, {}]] as unknown as Entry[];
      assert.match((await batchErrorOf(bucket.setMany(four), "invalid-argument")).message, /entry 0\b/);
      const throwing = {
        get ttl(): number {
          throw new Error("a getter");
        },
      };
      assertNothingApplied(await batchErrorOf(bucket.setMany([["a", value, throwing]]), "invalid-argument"), 1);
      assert.equal(requests.length, 0);
    },
  },
  {
    id: "s17-ttls-of-requests",
    rule: "S17",
    subject: "core",
    needs: ["ttl"],
    title: "`ttls` has one element for each key of the request, and is absent if no key of the request expires",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({ wrap, store: { requestLimits: { maxKeys: 3 }, concurrency: 1 } });
      const entriesOf = (ttls: readonly (number | undefined)[]): Entry[] =>
        ttls.map((ttl, index) => (ttl === undefined ? [`k${index}`, value] : [`k${index}`, value, { ttl }]));
      const short = [farAway, undefined, undefined, undefined, undefined, undefined, undefined, 2 * farAway];
      await bucket.setMany(entriesOf(short));
      await bucket.setMany([["k", value, {}]], { ttl: undefined });
      await bucket.setMany(entriesOf([undefined, 2 * farAway]), { ttl: farAway });
      await bucket.set("k", value, { ttl: farAway });
      await bucket.set("k", value);
      assert.deepEqual(
        requests.map(({ ttls }) => ttls && Array.from(ttls)),
        [
          [farAway, undefined, undefined],
          undefined,
          [undefined, 2 * farAway],
          undefined,
          [farAway, 2 * farAway],
          [farAway],
          undefined,
        ],
      );
      for (const { ttls, keys } of requests) assert.equal(ttls?.length ?? keys.length, keys.length);
    },
  },
  {
    id: "s17-ttl-of-repeated-keys",
    rule: "S17",
    subject: "core",
    needs: ["ttl"],
    title: "keys that are sent again, because the engine did not process them, keep their own `ttl`",
    async run(context) {
      const name = context.bucketName();
      const bucket = await context.bucket({
        name,
        store: { retry: quickRetry, requestLimits: {} },
        wrap: (driver) =>
          faultDriver(driver, ({ call }) => ({
            kind: "keys",
            of: (key) => (call < 3 && key !== `k${call}` ? { kind: "unprocessed" } : undefined),
          })),
      });
      const keys = Array.from({ length: 8 }, (_, index) => `k${index}`);
      await bucket.setMany(keys.map((key, index) => [key, value, index % 2 ? { ttl: index * farAway } : {}]));
      const left = await (await context.bucket({ name })).ttlMany(keys);
      for (const [index, key] of keys.entries()) {
        if (index % 2 === 0) assert.equal(left[index], null, key);
        else assert.ok(Math.abs((left[index] ?? 0) - index * farAway) < 120_000, key);
      }
    },
  },
  {
    id: "s17-never-prepared",
    rule: "S17",
    subject: "core",
    needs: ["ttl"],
    title: "core calls `prepareSet` only for sets without `ttl`, and copies the values of the others",
    async run(context) {
      const prepared: string[] = [];
      const bucket = await context.bucket({
        wrap: (driver) =>
          wrapDriver(driver, {
            prepareSet: (_bucket, keys, values) => {
              prepared.push(...keys);
              return values.map((each) => new Uint8Array(each));
            },
            set: (request) => {
              const { values, prepared: encoded = values } = request;
              return sendSet(driver, changeRequest(request, { values: encoded as readonly Uint8Array[] }));
            },
          }),
      });
      const sets: readonly (readonly [key: string, set: (value: Uint8Array) => Promise<void>])[] = [
        ["plain", (reused) => bucket.set("plain", reused)],
        ["expires", (reused) => bucket.set("expires", reused, { ttl: farAway })],
        ["own", (reused) => bucket.setMany([["own", reused, { ttl: farAway }]])],
      ];
      for (const [key, set] of sets) {
        const reused = bytes(key);
        const call = set(reused);
        reused.fill(0);
        await call;
        sameBytes(await bucket.get(key), bytes(key));
      }
      assert.deepEqual(prepared, ["plain"]);
    },
  },
  {
    id: "s17-coalesced",
    rule: "S17",
    subject: "core",
    needs: ["ttl"],
    title: "with `coalesce`, each set of one turn keeps its own `ttl`, and the last set of a key decides",
    async run(context) {
      const store = await context.store();
      const bucket: Bucket = await store.open(context.bucketName(), { coalesce: true });
      await Promise.all([
        bucket.set("hour", value, { ttl: farAway }),
        bucket.set("none", value),
        bucket.set("two hours", value, { ttl: 2 * farAway }),
        bucket.set("removed", value, { ttl: farAway }),
        bucket.set("removed", value),
        bucket.set("added", value),
        bucket.set("added", value, { ttl: farAway }),
      ]);
      const [hour, none, two, removed, added] = await bucket.ttlMany(["hour", "none", "two hours", "removed", "added"]);
      assert.deepEqual([none, removed], [null, null]);
      for (const [left, ttl] of [
        [hour, farAway],
        [two, 2 * farAway],
        [added, farAway],
      ] as const)
        assert.ok(typeof left === "number" && Math.abs(left - ttl) < 120_000);
      const error = await batchErrorOf(bucket.set("bad", value, { ttl: 0 }), "invalid-argument");
      assertNothingApplied(error, 1);
    },
  },
];
