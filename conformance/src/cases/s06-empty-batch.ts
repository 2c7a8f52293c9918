import assert from "node:assert/strict";
import type { ConformanceCase } from "../conformance-case.js";
import { faultDriver } from "../faults/fault-driver.js";
import { recordRequests } from "../support/recording-driver.js";
import { settles } from "../support/settles.js";

/** Cases for rule S6: an empty batch resolves and sends nothing. */
export const emptyBatchCases: readonly ConformanceCase[] = [
  {
    id: "s06-empty-get-many",
    rule: "S6",
    subject: "core",
    title: "getMany of no keys returns an empty array and sends nothing",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({ wrap });
      for (const keys of [[], new Set<string>(), new Map<string, string>().keys()])
        assert.deepEqual(await bucket.getMany(keys), []);
      assert.equal(requests.length, 0);
    },
  },
  {
    id: "s06-empty-set-many",
    rule: "S6",
    subject: "core",
    title: "setMany of no entries resolves and sends nothing",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({ wrap });
      assert.equal(await bucket.setMany([]), undefined);
      assert.equal(await bucket.setMany(new Map()), undefined);
      assert.equal(requests.length, 0);
    },
  },
  {
    id: "s06-empty-delete-many",
    rule: "S6",
    subject: "core",
    title: "deleteMany of no keys resolves and sends nothing",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({ wrap });
      assert.equal(await bucket.deleteMany([]), undefined);
      assert.equal(await bucket.deleteMany(new Set()), undefined);
      assert.equal(requests.length, 0);
    },
  },
  {
    id: "s06-empty-on-a-dead-engine",
    rule: "S6",
    subject: "core",
    title: "an empty batch resolves even if the engine never responds",
    async run(context) {
      const bucket = await context.bucket({
        wrap: (driver) => faultDriver(driver, () => ({ kind: "hang" })),
      });
      const calls = [bucket.getMany([]), bucket.setMany([]), bucket.deleteMany([])];
      const settled = await settles(Promise.all<unknown>(calls), 2_000);
      assert.equal(settled.status, "fulfilled");
    },
  },
];
