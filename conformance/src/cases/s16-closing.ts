import assert from "node:assert/strict";
import type { Bucket, Store } from "@manykv/core";
import type { ConformanceCase } from "../conformance-case.js";
import { faultDriver } from "../faults/fault-driver.js";
import { wrapDriver } from "../faults/wrap-driver.js";
import { bytes, sameBytes } from "../support/bytes.js";
import { assertNothingApplied, batchErrorOf, rejectsWith } from "../support/rejections.js";
import { pause } from "../support/settles.js";

/** Cases for rule S16: closing a store. */
export const closingCases: readonly ConformanceCase[] = [
  {
    id: "s16-reads-after-close",
    rule: "S16",
    subject: "core",
    title: "after close, every read, `clear` and every method of the store reject with `closed`",
    async run(context) {
      const [store, bucket] = await closedStore(await context.store(), context.bucketName());
      await rejectsWith(bucket.get("a"), "closed", "get");
      await rejectsWith(bucket.exists("a"), "closed", "exists");
      await rejectsWith(bucket.getMany(["a"]), "closed", "getMany");
      await rejectsWith(bucket.getMany([]), "closed", "getMany of nothing");
      await rejectsWith(bucket.getMap(["a"]), "closed", "getMap");
      await rejectsWith(bucket.existsMany(["a"]), "closed", "existsMany");
      await rejectsWith(bucket.ttlMany(["a"]), "closed", "ttlMany");
      await rejectsWith(bucket.listKeys(), "closed", "listKeys");
      await rejectsWith(bucket.clear(), "closed", "clear");
      await rejectsWith(firstKey(bucket), "closed", "keys");
      await rejectsWith(store.open(bucket.name), "closed", "open");
      await rejectsWith(store.provision(), "closed", "provision");
      await rejectsWith(store.describe(), "closed", "describe");
      await rejectsWith(store.sweep(), "closed", "sweep");
      await rejectsWith(store.buckets()[Symbol.asyncIterator]().next(), "closed", "buckets");
    },
  },
  {
    id: "s16-writes-after-close",
    rule: "S16",
    subject: "core",
    title: "after close, every write rejects with `closed`, and every outcome is `not-applied`",
    async run(context) {
      const [, bucket] = await closedStore(await context.store(), context.bucketName());
      assertNothingApplied(await batchErrorOf(bucket.set("a", bytes("v")), "closed"), 1);
      assertNothingApplied(await batchErrorOf(bucket.delete("a"), "closed"), 1);
      const entries = [
        ["a", bytes("v")],
        ["b", bytes("v")],
      ] as const;
      assertNothingApplied(await batchErrorOf(bucket.setMany(entries), "closed"), 2);
      assertNothingApplied(await batchErrorOf(bucket.setMany(entries, { ttl: 1_000, ifAbsent: true }), "closed"), 2);
      assertNothingApplied(await batchErrorOf(bucket.deleteMany(["a", "b", "c"]), "closed"), 3);
      assertNothingApplied(await batchErrorOf(bucket.increment("a"), "closed"), 1);
      const change = { expected: undefined, value: bytes("v") };
      assertNothingApplied(await batchErrorOf(bucket.compareAndSwap("a", change), "closed"), 1);
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

async function firstKey(bucket: Bucket): Promise<string | undefined> {
  for await (const key of bucket.keys()) return key;
  return undefined;
}
