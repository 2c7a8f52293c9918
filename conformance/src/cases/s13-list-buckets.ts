import assert from "node:assert/strict";
import type { Store } from "@manykv/core";
import type { ConformanceCase } from "../conformance-case.js";
import { refused, throttled } from "../faults/engine-faults.js";
import { faultDriver } from "../faults/fault-driver.js";
import { wrapDriver } from "../faults/wrap-driver.js";
import { bytes } from "../support/bytes.js";
import { expire, farAway, soon } from "../support/expiry.js";
import { quickRetry } from "../support/faulty-write.js";
import { bucketsIn, clearTimeout } from "../support/listed.js";
import { rejectsWith } from "../support/rejections.js";
import { similarNames } from "../support/similar-names.js";

/** Cases for rule S13: `store.buckets()`. Other programs may use the same server, so most cases look for their own names. */
export const listBucketsCases: readonly ConformanceCase[] = [
  {
    id: "s13-list-buckets",
    rule: "S13",
    subject: "ability",
    needs: ["buckets"],
    title: "buckets() yields each bucket that holds keys once, and no bucket that was only opened or read",
    async run(context) {
      const store = await context.store();
      const base = context.bucketName();
      for (const name of [`${base}1`, `${base}2`])
        await (await store.open(name)).setMany(["a", "b", "c", ""].map((key) => [key, bytes("v")]));
      const unused = await store.open(`${base}3`);
      await unused.getMany(["a"]);
      await unused.deleteMany(["a"]);
      assert.deepEqual(await namesOf(store, base), [`${base}1`, `${base}2`]);
    },
  },
  {
    id: "s13-list-buckets-similar-names",
    rule: "S13",
    subject: "ability",
    needs: ["buckets"],
    title: "buckets() tells apart names that share a prefix, differ in case, or contain dots, dashes and underscores",
    async run(context) {
      const store = await context.store();
      const base = context.bucketName();
      const names = similarNames(base);
      names.push(`${base}${"x".repeat(64 - base.length)}`);
      for (const name of names) await (await store.open(name)).set(`key of ${name}`, bytes("v"));
      assert.deepEqual(await namesOf(store, base), [...names].sort());
    },
  },
  {
    id: "s13-list-buckets-special-keys",
    rule: "S13",
    subject: "ability",
    needs: ["buckets"],
    title: "buckets() returns no part of a key, even if keys contain separators and names of buckets",
    async run(context) {
      const store = await context.store();
      const base = context.bucketName();
      const keys = ["", ":", "}:", `${base}x:a`, `{${base}x}:a`, `${base}x\0a`, "\0", "a:b:c", "😀", "}", "{"];
      await (await store.open(base)).setMany(keys.map((key) => [key, bytes("v")]));
      assert.deepEqual(await namesOf(store, base), [base]);
    },
  },
  {
    id: "s13-list-buckets-many",
    rule: "S13",
    subject: "ability",
    needs: ["buckets"],
    title: "buckets() yields 150 buckets, one of which holds 2,000 keys, each once",
    async run(context) {
      const store = await context.store();
      const base = context.bucketName();
      const names = Array.from({ length: 150 }, (_, index) => `${base}-${String(index).padStart(3, "0")}`);
      for (let index = 0; index < names.length; index += 10)
        await Promise.all(
          names.slice(index, index + 10).map(async (name) => (await store.open(name)).set("key", bytes("v"))),
        );
      const large = await store.open(names[75] as string);
      await large.setMany(Array.from({ length: 2_000 }, (_, index) => [`key ${index}`, bytes("v")]));
      assert.deepEqual(await namesOf(store, base), names);
    },
  },
  {
    id: "s13-list-buckets-empty",
    rule: "S13",
    subject: "ability",
    needs: ["buckets"],
    title: "a bucket is no longer listed when its last key was deleted or cleared, and is listed again after a set",
    async run(context) {
      const store = await context.store();
      const base = context.bucketName();
      const [one, other] = [await store.open(`${base}1`), await store.open(`${base}2`)];
      for (const bucket of [one, other])
        await bucket.setMany([
          ["a", bytes("v")],
          ["b", bytes("v")],
        ]);
      await one.deleteMany(["a"]);
      assert.deepEqual(await namesOf(store, base), [one.name, other.name]);
      await one.delete("b");
      await other.clear({ timeout: clearTimeout });
      assert.deepEqual(await namesOf(store, base), []);
      await other.set("a", bytes("v"));
      assert.deepEqual(await namesOf(store, base), [other.name]);
    },
  },
  {
    id: "s13-list-buckets-expired",
    rule: "S13",
    subject: "ability",
    needs: ["buckets", "ttl"],
    title: "buckets() does not yield a bucket whose keys have all expired",
    async run(context) {
      const store = await context.store();
      const base = context.bucketName();
      const [gone, mixed, stays] = await Promise.all(["1", "2", "3"].map((end) => store.open(base + end)));
      await stays?.set("key", bytes("v"), { ttl: farAway });
      await mixed?.set("z", bytes("v"));
      await expire(soon, async () => {
        for (const bucket of [gone, mixed])
          await bucket?.setMany(
            ["a", "b", "c"].map((key) => [key, bytes("v")]),
            { ttl: soon },
          );
      });
      assert.deepEqual(await namesOf(store, base), [mixed?.name, stays?.name]);
    },
  },
  {
    id: "s13-list-buckets-option",
    rule: "S13",
    subject: "ability",
    needs: ["buckets"],
    title: "with the option `buckets`, buckets() yields only names in that list that hold keys",
    async run(context) {
      const base = context.bucketName();
      const names = ["1", "2", "3"].map((end) => base + end);
      const all = await context.store();
      for (const name of names.slice(0, 2)) await (await all.open(name)).set("key", bytes("v"));
      const store = await context.store({ store: { buckets: names.slice(1) } });
      assert.deepEqual(await bucketsIn(store), [names[1]]);
    },
  },
  {
    id: "s13-list-buckets-pages",
    rule: "S13",
    subject: "core",
    needs: ["buckets"],
    title: "buckets() requests every page, retries temporary faults, and omits repeated and invalid names",
    async run(context) {
      const cursors: unknown[] = [];
      const store = await context.store({
        store: { retry: quickRetry },
        wrap: (driver) =>
          faultDriver(
            wrapDriver(driver, {
              listBuckets: async ({ cursor }) => {
                cursors.push(cursor);
                if (cursor === undefined) return { buckets: ["a", "b", "not valid"], cursor: "1" };
                return cursor === "1" ? { buckets: [], cursor: "2" } : { buckets: ["b", "", "c", "é"] };
              },
            }),
            ({ call }) => (call === 1 ? { kind: "reject", fault: throttled } : undefined),
          ),
      });
      assert.deepEqual(await bucketsIn(store), ["a", "b", "c"]);
      assert.deepEqual(cursors, [undefined, "1", "2"]);
    },
  },
  {
    id: "s13-list-buckets-fails",
    rule: "S13",
    subject: "core",
    needs: ["buckets"],
    title: "buckets() rejects if a page cannot be read, at its deadline, when it is cancelled, and after close",
    async run(context) {
      const first = (store: Store, options?: object): Promise<unknown> =>
        store.buckets(options)[Symbol.asyncIterator]().next();
      const failing = await context.store({
        wrap: (driver) => faultDriver(driver, () => ({ kind: "reject", fault: refused })),
      });
      await rejectsWith(first(failing), "access-denied");
      const silent = await context.store({ wrap: (driver) => faultDriver(driver, () => ({ kind: "hang" })) });
      await rejectsWith(first(silent, { timeout: 100 }), "timeout");
      await rejectsWith(first(silent, { signal: AbortSignal.timeout(20) }), "aborted");
      await rejectsWith(first(silent, { timout: 1 }), "invalid-argument");
      const closed = await context.store();
      await closed.close();
      await rejectsWith(first(closed), "closed");
    },
  },
];

/** Returns the names of buckets that start with `base`, sorted. Fails if a name is yielded more than once. */
async function namesOf(store: Store, base: string): Promise<string[]> {
  const found: string[] = [];
  for await (const name of store.buckets()) if (name.startsWith(base)) found.push(name);
  assert.equal(new Set(found).size, found.length, "buckets() must yield each name once");
  return found.sort();
}
