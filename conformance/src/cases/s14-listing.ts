import assert from "node:assert/strict";
import type { Bucket } from "@manykv/core";
import type { ConformanceCase } from "../conformance-case.js";
import { bytes } from "../support/bytes.js";
import { keysIn, listed } from "../support/listed.js";
import { rejectionOf, rejectsWith } from "../support/rejections.js";
import { nameOf } from "../support/round-trip.js";
import { similarNames } from "../support/similar-names.js";

/** Cases for rule S14: listing keys page by page. */
export const listingCases: readonly ConformanceCase[] = [
  {
    id: "s14-empty-bucket",
    rule: "S14",
    subject: "driver",
    title: "a listing of an empty bucket returns no keys and ends",
    async run(context) {
      const bucket = await context.bucket();
      assert.deepEqual(await listed(bucket), []);
    },
  },
  {
    id: "s14-every-key",
    rule: "S14",
    subject: "driver",
    alone: true,
    title: "a listing of 10,500 keys, which start with characters of every width, contains every key",
    async run(context) {
      const bucket = await context.bucket();
      const keys = Array.from({ length: 10_500 }, (_, index) => `${starts[index % starts.length]}${index}`);
      const timeout = 60_000;
      await bucket.setMany(
        keys.map((key) => [key, bytes("v")]),
        { timeout },
      );
      sameKeys(await listed(bucket), keys);
    },
  },
  {
    id: "s14-keys-iterates-all",
    rule: "S14",
    subject: "core",
    alone: true,
    title: "keys() yields the keys of every page",
    async run(context) {
      const bucket = await context.bucket();
      const keys = longKeys(bucket);
      await bucket.setMany(keys.map((key) => [key, bytes("v")]));
      sameKeys(await keysIn(bucket), keys);
    },
  },
  {
    id: "s14-only-this-bucket",
    rule: "S14",
    subject: "driver",
    title: "a listing contains only the keys of its bucket, not those of buckets with similar names",
    async run(context) {
      const store = await context.store();
      const base = context.bucketName();
      const names = [...similarNames(base), base.slice(0, -1), base.toUpperCase()];
      const buckets = await Promise.all(names.map((name) => store.open(name)));
      for (const bucket of buckets)
        await bucket.setMany([
          [`of ${bucket.name}`, bytes("v")],
          ["shared", bytes("v")],
        ]);
      const listings = await Promise.all(buckets.map((bucket) => listed(bucket)));
      for (const [index, name] of names.entries())
        assert.deepEqual(listings[index], [`of ${name}`, "shared"].sort(), `the listing of ${name}`);
    },
  },
  {
    id: "s14-special-keys",
    rule: "S14",
    subject: "driver",
    title: "the empty key and keys with pattern characters, separators and U+0000 are listed unchanged",
    async run(context) {
      const bucket = await context.bucket();
      const keys = [
        "",
        "*",
        "?",
        "[a-z]",
        "[^a]",
        "\\",
        "\\*",
        "a*b",
        "%",
        "_",
        "\0",
        "a\0b",
        ":",
        "/",
        "{x}",
        "\uffff",
        "😀",
        "__proto__",
      ];
      await bucket.setMany(keys.map((key) => [key, bytes("v")]));
      assert.deepEqual(await listed(bucket), [...keys].sort());
    },
  },
  {
    id: "s14-deleted-keys",
    rule: "S14",
    subject: "driver",
    title: "a deleted key is not listed",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.setMany(["a", "b", "c", "d"].map((key) => [key, bytes("v")]));
      await bucket.delete("a");
      await bucket.deleteMany(["c"]);
      assert.deepEqual(await listed(bucket), ["b", "d"]);
    },
  },
  {
    id: "s14-changes-while-listing",
    rule: "S14",
    subject: "driver",
    title: "keys that exist for the whole listing are listed, while others are added and deleted between pages",
    async run(context) {
      const bucket = await context.bucket();
      const keys = longKeys(bucket);
      const leaving = Array.from({ length: 500 }, (_, index) => `leaves ${index}`);
      await bucket.setMany([...keys, ...leaving].map((key) => [key, bytes("v")]));
      const found = new Set<string>();
      let cursor: string | undefined;
      for (let page = 0; ; page++) {
        const answer = await bucket.listKeys({ cursor });
        for (const key of answer.keys) found.add(key);
        cursor = answer.cursor;
        if (cursor === undefined) break;
        await bucket.deleteMany(leaving.slice(page * 50, page * 50 + 50));
        await bucket.setMany(Array.from({ length: 20 }, (_, index) => [`comes ${page} ${index}`, bytes("v")]));
        assert.ok(page < 10_000, "the listing must end within 10,000 pages");
      }
      for (const key of keys) assert.ok(found.has(key), `${nameOf(key)} must be listed`);
      const stays = new Set(keys);
      for (const key of found)
        assert.ok(stays.has(key) || /^(leaves|comes) /.test(key), `${nameOf(key)} was never set`);
    },
  },
  {
    id: "s14-cursor-of-another-client",
    rule: "S14",
    subject: "driver",
    title: "another client can continue the listing of a bucket with a cursor",
    async run(context) {
      const name = context.bucketName();
      const [one, other] = [await context.bucket({ name }), await context.bucket({ name })];
      const keys = longKeys(one);
      await one.setMany(keys.map((key) => [key, bytes("v")]));
      const found = new Set<string>();
      let cursor: string | undefined;
      let page = 0;
      do {
        const answer: { keys: string[]; cursor?: string } = await (page++ % 2 ? other : one).listKeys({
          cursor,
        });
        for (const key of answer.keys) found.add(key);
        cursor = answer.cursor === undefined ? undefined : (JSON.parse(JSON.stringify(answer.cursor)) as string);
      } while (cursor !== undefined);
      sameKeys([...found], keys);
    },
  },
  {
    id: "s14-bad-cursor",
    rule: "S14",
    subject: "driver",
    title: "an invalid cursor is rejected, or lists only this bucket's keys",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.set("key", bytes("v"));
      for (const cursor of [5, {}, ["a"], true])
        await rejectsWith(bucket.listKeys({ cursor: cursor as unknown as string }), "invalid-argument");
      for (const cursor of ["", "garbage", "*", "-1", "0", "{}", "\0", "é", "[]", "x".repeat(5000)]) {
        const answer = await bucket.listKeys({ cursor }).catch((error: unknown) => error);
        if (answer instanceof Error)
          await rejectsWith(
            Promise.reject(answer),
            "invalid-argument",
            `listKeys with the cursor ${cursor.slice(0, 20)}`,
          );
        else for (const key of (answer as { keys: string[] }).keys) assert.equal(key, "key");
      }
    },
  },
  {
    id: "s14-cursor-of-another-bucket",
    rule: "S14",
    subject: "driver",
    title: "a cursor of another bucket is rejected, or lists only this bucket's keys",
    async run(context) {
      const store = await context.store();
      const [large, small] = [await store.open(context.bucketName()), await store.open(context.bucketName())];
      await large.setMany(longKeys(large).map((key) => [key, bytes("v")]));
      await small.setMany([["small", bytes("v")]]);
      const { cursor } = await large.listKeys();
      if (cursor === undefined) context.skip("a listing of 1,500 long keys has one page, so there is no cursor");
      const answer = await small.listKeys({ cursor }).catch((error: unknown) => rejectionOf(Promise.reject(error)));
      if (answer instanceof Error) assert.equal(answer.code, "invalid-argument");
      else for (const key of answer.keys) assert.equal(key, "small");
    },
  },
  {
    id: "s14-early-return",
    rule: "S14",
    subject: "core",
    title: "after a loop over keys() ends early, the store still works and closes",
    async run(context) {
      const store = await context.store();
      const bucket = await store.open(context.bucketName());
      await bucket.setMany(Array.from({ length: 50 }, (_, index) => [`key ${index}`, bytes("v")]));
      for await (const key of bucket.keys()) {
        assert.match(key, /^key /);
        break;
      }
      assert.equal(await bucket.exists("key 1"), true);
      await store.close();
    },
  },
];

/**
 * How the keys of long listings start. A cursor that contains a key is wrong if its bytes are converted to another
 * encoding. Engines that sort keys then continue far away, because keys with other starts lie in between.
 */
const starts: readonly string[] = ["é key ", "\0\x80\xff ", "漢字 key ", "key é漢\x85 ", "😀 key ", "\xff\xfe key "];

/**
 * Returns 1,500 keys of 1,000 bytes each, or of `maxKeyBytes` if this limit is lower. Most engines need several pages
 * to list these keys, because of their number and their size.
 */
function longKeys({ limits }: Bucket): string[] {
  const length = Math.min(1_000, limits.maxKeyBytes);
  return Array.from({ length: 1_500 }, (_, index) => {
    const key = `${starts[index % starts.length]}${index} `;
    return key + "k".repeat(length - Buffer.byteLength(key));
  });
}

/** Asserts that two lists contain the same keys. Names the first difference, because the lists may be long. */
function sameKeys(found: readonly string[], keys: readonly string[]): void {
  const [listed, expected] = [new Set(found), new Set(keys)];
  for (const key of keys) assert.ok(listed.has(key), `${nameOf(key)} must be listed`);
  for (const key of found) assert.ok(expected.has(key), `${nameOf(key)} must not be listed`);
}
