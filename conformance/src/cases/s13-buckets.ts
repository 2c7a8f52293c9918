import assert from "node:assert/strict";
import type { Store } from "@manykv/core";
import type { ConformanceCase } from "../conformance-case.js";
import { bytes, sameBytes } from "../support/bytes.js";
import { keysIn, listed } from "../support/listed.js";
import { recordRequests } from "../support/recording-driver.js";
import { rejectsWith } from "../support/rejections.js";
import { similarNames } from "../support/similar-names.js";

/** Cases for rule S13: valid and invalid bucket names, and the separation of the keys of different buckets. */
export const bucketCases: readonly ConformanceCase[] = [
  {
    id: "s13-names-that-begin-alike",
    rule: "S13",
    subject: "driver",
    title: "buckets with similar names are separate: names share a prefix, differ only in case, or match as patterns",
    async run(context) {
      const base = context.bucketName();
      const names = similarNames(base);
      const store = await context.store();
      for (const name of names) await (await store.open(name)).set("key", bytes(name));
      for (const name of names)
        sameBytes(await (await store.open(name)).get("key"), bytes(name), `the value in ${name}`);
      await (await store.open(base)).delete("key");
      for (const name of names) {
        const exists = await (await store.open(name)).exists("key");
        assert.equal(exists, name !== base, `exists in ${name} must return ${name !== base} after a delete in ${base}`);
      }
    },
  },
  {
    id: "s13-keys-that-spell-a-bucket",
    rule: "S13",
    subject: "driver",
    title: "a key that combines a bucket name, a separator and another key does not collide with a key of that bucket",
    async run(context) {
      const store = await context.store();
      const base = context.bucketName();
      const [outer, inner] = [await store.open(base), await store.open(`${base}.b`)];
      const keys = separators.flatMap((by) => [
        `.b${by}key`,
        `b${by}key`,
        `${base}${by}key`,
        `${base}.b${by}key`,
        `${by}key`,
      ]);
      const different = [...new Set(["key", ...keys])];
      await inner.set("key", bytes("of the inner bucket"));
      await outer.setMany(different.map((key) => [key, bytes(`outer ${key}`)]));
      sameBytes(await inner.get("key"), bytes("of the inner bucket"));
      assert.deepEqual(await keysIn(inner), ["key"]);
      assert.deepEqual(await keysIn(outer), [...different].sort());
      await outer.deleteMany(different);
      sameBytes(await inner.get("key"), bytes("of the inner bucket"));
    },
  },
  {
    id: "s13-keys-with-hash-tags",
    rule: "S13",
    subject: "driver",
    title: "keys with braces, which Redis Cluster treats as hash tags, are stored unchanged in their own bucket",
    async run(context) {
      const store = await context.store();
      const [one, other] = [await store.open(context.bucketName()), await store.open(context.bucketName())];
      const keys = ["{a}", "{a}b", "a{b}c", "{}", "{}a", "}{", "{", "}", "{{a}}", "a", "b"];
      await one.setMany(keys.map((key) => [key, bytes(`one ${key}`)]));
      await other.setMany(keys.map((key) => [key, bytes(`other ${key}`)]));
      for (const [index, answer] of (await one.getMany(keys)).entries())
        sameBytes(answer?.[1], bytes(`one ${keys[index]}`));
      for (const [index, answer] of (await other.getMany(keys)).entries())
        sameBytes(answer?.[1], bytes(`other ${keys[index]}`));
    },
  },
  {
    id: "s13-bad-names",
    rule: "S13",
    subject: "core",
    title: "open rejects an invalid bucket name with `no-such-store` and sends nothing",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const store = await context.store({ wrap });
      const names = [
        "",
        " ",
        "a b",
        "a:b",
        "a/b",
        "a*",
        "a\0",
        "é",
        "a\n",
        "\n",
        "{a}",
        "a,b",
        "a".repeat(65),
        "\ud800",
      ];
      for (const name of names) await isNoSuchStore(store, name);
      for (const name of [undefined, null, 5, {}, ["a"]]) await isNoSuchStore(store, name);
      assert.equal(requests.length, 0);
    },
  },
  {
    id: "s13-good-names",
    rule: "S13",
    subject: "driver",
    title:
      "names of 1 and 64 characters, names with dots, dashes and underscores, and names of object properties are valid bucket names",
    async run(context) {
      const store = await context.store();
      const suffix = context.bucketName();
      const long = suffix + "x".repeat(64 - suffix.length);
      for (const name of ["a", "Z", "9", ".", "..", "-", "_", "__proto__", "constructor", "A.b-C_1", long]) {
        const bucket = await store.open(name);
        assert.equal(bucket.name, name);
        const key = `conformance ${suffix}`;
        await bucket.set(key, bytes(name));
        sameBytes(await bucket.get(key), bytes(name));
        await bucket.delete(key);
      }
    },
  },
  {
    id: "s13-list-of-buckets",
    rule: "S13",
    subject: "core",
    title: "a store with the `buckets` option opens the listed buckets and rejects any other name with `no-such-store`",
    async run(context) {
      const name = context.bucketName();
      const store = await context.store({ store: { buckets: [name] } });
      await (await store.open(name)).set("key", bytes("v"));
      await isNoSuchStore(store, `${name}x`);
      await isNoSuchStore(store, "toString");
    },
  },
  {
    id: "s13-open-sends-nothing",
    rule: "S13",
    subject: "core",
    title: "open sends nothing, and a new bucket is empty",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({ wrap });
      assert.equal(requests.length, 0);
      assert.deepEqual(await listed(bucket), []);
    },
  },
];

const separators = [
  ":",
  "/",
  "\0",
  "\x01",
  "\xff",
  "\uffff",
  ".",
  "-",
  "_",
  "|",
  "#",
  "}",
  "{}",
  "",
  " ",
  "::",
  "\\",
  "%3A",
];

async function isNoSuchStore(store: Store, name: unknown): Promise<void> {
  const error = await rejectsWith(store.open(name as string), "no-such-store", `open of ${JSON.stringify(name)}`);
  assert.equal(error.tag, "no-such-store");
}
