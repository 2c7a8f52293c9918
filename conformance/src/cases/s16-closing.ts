import assert from "node:assert/strict";
import type { Bucket, Store } from "@manykv/core";
import type { ConformanceCase } from "../conformance-case.js";
import { faultDriver } from "../faults/fault-driver.js";
import { wrapDriver } from "../faults/wrap-driver.js";
import { bytes, sameBytes } from "../support/bytes.js";
import { batchErrorOf, rejectsWith } from "../support/rejections.js";
import { pause } from "../support/settles.js";

/** Cases for rule S16: closing a store. */
export const closingCases: readonly ConformanceCase[] = [
  {
    id: "s16-open-after-close",
    rule: "S16",
    subject: "core",
    title: "after close, `open` and batches of no keys reject with `closed`",
    async run(context) {
      const [store, bucket] = await closedStore(await context.store(), context.bucketName());
      await rejectsWith(store.open(bucket.name), "closed", "open");
      for (const call of [bucket.getMany([]), bucket.setMany([]), bucket.deleteMany([])])
        await rejectsWith(call, "closed", "a batch of no keys");
    },
  },
  {
    id: "s16-calls-in-flight-settle-first",
    rule: "S16",
    subject: "core",
    title: "close waits until the calls in flight have succeeded, and then closes the driver",
    async run(context) {
      const events: string[] = [];
      const name = context.bucketName();
      const answered = async <Answer>(answer: Promise<Answer>): Promise<Answer> => {
        await pause(50);
        events.push("answered");
        return answer;
      };
      const store = await context.store({
        wrap: (driver) =>
          wrapDriver(driver, {
            get: (request) => answered(driver.get(request)),
            set: (request) => answered(driver.set(request)),
            close: () => {
              events.push("driver closed");
              return driver.close();
            },
          }),
      });
      const bucket = await store.open(name);
      const entries = [
        ["a", bytes("1")],
        ["b", bytes("2")],
      ] as const;
      const writing = bucket.setMany(entries).then(() => events.push("written"));
      const reading = bucket.getMany(["missing"]).then(() => events.push("read"));
      await store.close();
      const before = events.indexOf("driver closed");
      assert.deepEqual(
        events.filter((event, index) => event === "answered" && index < before),
        ["answered", "answered"],
      );
      assert.deepEqual([...events].sort(), ["answered", "answered", "driver closed", "read", "written"]);
      await Promise.all([writing, reading]);
      sameBytes(await (await context.bucket({ name })).get("b"), bytes("2"));
    },
  },
  {
    id: "s16-calls-during-close",
    rule: "S16",
    subject: "core",
    title: "calls that begin while the store is closing reject with `closed`",
    async run(context) {
      const store = await context.store({
        wrap: (driver) => faultDriver(driver, () => ({ kind: "late-answer", milliseconds: 50 })),
      });
      const bucket = await store.open(context.bucketName());
      const writing = bucket.set("a", bytes("v"));
      const closing = store.close();
      await rejectsWith(bucket.get("a"), "closed");
      await batchErrorOf(bucket.set("a", bytes("w")), "closed");
      await Promise.all([writing, closing]);
    },
  },
  {
    id: "s16-close-twice",
    rule: "S16",
    subject: "core",
    title: "close can be called again, even concurrently, and closes the driver once",
    async run(context) {
      let closed = 0;
      const store = await context.store({
        wrap: (driver) =>
          wrapDriver(driver, {
            close: () => {
              closed++;
              return driver.close();
            },
          }),
      });
      await Promise.all([store.close(), store.close()]);
      await store.close();
      assert.equal(closed, 1);
    },
  },
  {
    id: "s16-async-dispose",
    rule: "S16",
    subject: "core",
    title: "`store[Symbol.asyncDispose]()` closes the store",
    async run(context) {
      const store = await context.store();
      const bucket = await store.open(context.bucketName());
      await store[Symbol.asyncDispose]();
      await rejectsWith(bucket.get("a"), "closed");
    },
  },
  {
    id: "s16-other-clients-stay-open",
    rule: "S16",
    subject: "driver",
    title: "closing one store does not affect the data or other clients",
    async run(context) {
      const name = context.bucketName();
      const [store, other] = [await context.store(), await context.bucket({ name })];
      await (await store.open(name)).set("a", bytes("stays"));
      await store.close();
      sameBytes(await other.get("a"), bytes("stays"));
      await other.set("b", bytes("works on"));
    },
  },
];

async function closedStore(store: Store, name: string): Promise<[Store, Bucket]> {
  const bucket = await store.open(name);
  await store.close();
  return [store, bucket];
}
