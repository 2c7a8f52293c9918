import assert from "node:assert/strict";
import type { Bucket } from "@manykv/core";
import { BatchError } from "@manykv/core";
import type { ConformanceCase } from "../conformance-case.js";
import { answerLost, refused } from "../faults/engine-faults.js";
import { faultDriver } from "../faults/fault-driver.js";
import { wrapDriver } from "../faults/wrap-driver.js";
import { bytes } from "../support/bytes.js";
import { quickRetry } from "../support/faulty-write.js";
import { keysIn, keysWithPrefixes, listed, clearTimeout as timeout } from "../support/listed.js";
import { recordRequests } from "../support/recording-driver.js";
import { rejectionOf, rejectsWith } from "../support/rejections.js";
import { nameOf } from "../support/round-trip.js";
import { similarNames } from "../support/similar-names.js";

/** Cases for rule S14: the option `prefix`, and `clear`. */
export const prefixCases: readonly ConformanceCase[] = [
  prefixCase(
    "plain",
    "a listing contains only keys that start with the prefix, including the prefix itself; an empty prefix lists all",
    ["", "u", "user", "user:", "user:1", "user:10", "user:2", "users", "xuser:1", "User:1"],
    ["", "u", "user", "user:", "user:1", "user:10", "user:100", "x", "y"],
  ),
  prefixCase(
    "pattern-characters",
    "characters that are special in patterns of Redis, SQL and shells are ordinary characters of a prefix",
    [
      "a",
      "b",
      "*",
      "*a",
      "?",
      "?a",
      "[ab]",
      "[ab]c",
      "a]",
      "\\",
      "\\*",
      "\\a",
      "%",
      "%a",
      "_",
      "_a",
      "a%",
      "a_b",
      "^a",
      "a$",
      ".",
      ".*",
      "{a}",
      "a|b",
      "+",
      "(",
      "''",
      '"',
      "-",
      "[!a]",
      "[^a]",
      "a-z",
    ],
    [
      "*",
      "?",
      "[",
      "[ab]",
      "[ab",
      "a]",
      "]",
      "\\",
      "\\*",
      "%",
      "_",
      "a%",
      "a_",
      "^",
      "$",
      ".",
      "{",
      "{a}",
      "a|",
      "+",
      "(",
      "'",
      '"',
      "-",
      "[!",
      "[^",
      "a*",
      "?*",
      "%%",
      "\\\\",
    ],
  ),
  prefixCase(
    "nul-characters",
    "U+0000 and other control characters are ordinary characters of a prefix",
    ["", "\0", "\0\0", "\0a", "a", "a\0", "a\0b", "a\0\0", "a\x01", "ab", "\n", "a\n", "a\r\n", "\x7f"],
    ["\0", "\0\0", "a\0", "a\0\0", "a\x01", "a\n", "\n", "\x7f", "a\0b"],
  ),
  prefixCase(
    "unicode",
    "a prefix is compared by its characters: composed and decomposed forms and cases differ",
    [
      "é",
      "éa",
      "e",
      "e\u0301",
      "e\u0301a",
      "E",
      "É",
      "漢字",
      "漢",
      "ß",
      "ss",
      "ı",
      "i",
      "İ",
      "ﬁ",
      "fi",
      "\ufeffa",
      "a\u200d",
    ],
    ["é", "e", "e\u0301", "漢", "漢字", "ß", "s", "i", "İ", "ﬁ", "f", "\ufeff", "a", "E"],
  ),
  prefixCase(
    "last-characters",
    "a prefix that ends in the last character of a UTF-8 width or of Unicode lists all of its keys",
    [
      "\x7f",
      "\x7fa",
      "\x80",
      "\u07ff",
      "\u07ff\u07ff",
      "\u0800",
      "\ud7ff",
      "\ue000",
      "\uffff",
      "\uffff\uffff",
      "\uffffa",
      "\u{10000}",
      "\u{10ffff}",
      "\u{10ffff}\u{10ffff}",
      "\u{10ffff}a",
      "a\u{10ffff}",
      "a\u{10ffff}b",
      "b",
    ],
    [
      "\x7f",
      "\u07ff",
      "\ud7ff",
      "\ue000",
      "\uffff",
      "\uffff\uffff",
      "\u{10000}",
      "\u{10ffff}",
      "\u{10ffff}\u{10ffff}",
      "a\u{10ffff}",
      "a",
    ],
  ),
  prefixCase(
    "astral-characters",
    "characters outside the basic plane are not split: a prefix contains whole characters",
    ["😀", "😀a", "😁", "😁a", "a😀", "a😀b", "a😁", "\ufffd", "\ue000", "𝒳", "𝒳𝒴"],
    ["😀", "😁", "a😀", "a😁", "a", "𝒳", "𝒳𝒴", "\ufffd"],
  ),
  {
    id: "s14-prefix-other-buckets",
    rule: "S14",
    subject: "driver",
    title: "a prefix lists only keys of its bucket, even if it contains the name of another bucket and separators",
    async run(context) {
      const store = await context.store();
      const base = context.bucketName();
      const names = [base, `${base}.b`, `${base}b`];
      const keys = ["", "b", ":b", ".b", "\0b", "}:b", `${base}.b`, `${base}:`, `{${base}}:`, `${base}\0`];
      const buckets = await Promise.all(names.map((name) => store.open(name)));
      for (const bucket of buckets) await bucket.setMany(keys.map((key) => [key, bytes(bucket.name)]));
      await (buckets[1] as Bucket).set("only here", bytes("v"));
      for (const bucket of buckets) {
        const all = bucket === buckets[1] ? [...keys, "only here"] : keys;
        await listsEachPrefix(bucket, all, ["b", ":", ".b", "\0b", "}:b", base, `{${base}`, "only"]);
      }
    },
  },
  {
    id: "s14-prefix-longest",
    rule: "S14",
    subject: "driver",
    title: "a prefix can be as long as a key, and a prefix that is longer than every key lists nothing",
    async run(context) {
      const bucket = await context.bucket();
      const length = Math.min(1_024, bucket.limits.maxKeyBytes);
      const longest = "k".repeat(length);
      const keys = [longest, longest.slice(1), `${longest.slice(2)}x`, "k"];
      await bucket.setMany(keys.map((key) => [key, bytes("v")]));
      const tooLong = ["k".repeat(1_024), "é".repeat(512)];
      await listsEachPrefix(bucket, keys, [longest, longest.slice(1), longest.slice(2), ...tooLong]);
    },
  },
  {
    id: "s14-prefix-many-pages",
    rule: "S14",
    subject: "driver",
    title: "a prefix lists all of its keys over several pages, between keys before and after it",
    async run(context) {
      const bucket = await context.bucket();
      const padding = "-".repeat(Math.min(900, bucket.limits.maxKeyBytes - 20));
      const keys = ["a", "b", "c"].flatMap((start) =>
        Array.from({ length: start === "b" ? 1_500 : 300 }, (_, index) => `${start} ${index} ${padding}`),
      );
      await bucket.setMany([...keys, "b", "bb"].map((key) => [key, bytes("v")]));
      await listsEachPrefix(bucket, keys, ["a ", "b ", "b 1", "b 149", "c ", "d"]);
      // A client that uses `listKeys` passes the same prefix for each page.
      assert.deepEqual(await listed(bucket, { prefix: "b " }), startingWith(keys, "b "));
    },
  },
  {
    id: "s14-prefix-while-writing",
    rule: "S14",
    subject: "driver",
    title: "keys with the prefix that exist for the whole listing are listed, while other keys come and go",
    async run(context) {
      const bucket = await context.bucket();
      const padding = "-".repeat(Math.min(900, bucket.limits.maxKeyBytes - 20));
      const keys = Array.from({ length: 1_500 }, (_, index) => `p ${index} ${padding}`);
      const leaving = Array.from({ length: 300 }, (_, index) => `p leaves ${index}`);
      await bucket.setMany([...keys, ...leaving].map((key) => [key, bytes("v")]));
      const found = new Set<string>();
      let cursor: string | undefined;
      for (let page = 0; page === 0 || cursor !== undefined; page++) {
        assert.ok(page < 10_000, "the listing must end within 10,000 pages");
        const answer: { keys: string[]; cursor?: string } = await bucket.listKeys({ prefix: "p ", cursor });
        for (const key of answer.keys) found.add(key);
        cursor = answer.cursor;
        await bucket.deleteMany(leaving.slice(page * 50, page * 50 + 50));
        await bucket.setMany([`o ${page}`, `p comes ${page}`, `q ${page}`].map((key) => [key, bytes("v")]));
      }
      for (const key of keys) assert.ok(found.has(key), `${nameOf(key)} must be listed`);
      for (const key of found) assert.ok(key.startsWith("p "), `${nameOf(key)} must not be listed`);
    },
  },
  {
    id: "s14-prefix-reaches-the-driver",
    rule: "S14",
    subject: "core",
    title: "core passes the prefix to the driver with every page, and an empty string without a prefix",
    async run(context) {
      const seen: unknown[] = [];
      const bucket = await context.bucket({
        wrap: (driver) =>
          wrapDriver(driver, {
            list: async ({ prefix, cursor }) => {
              seen.push([prefix, cursor]);
              return cursor === undefined ? { keys: ["a1"], cursor: "next" } : { keys: ["a2"] };
            },
          }),
      });
      assert.deepEqual(await keysIn(bucket, "a"), ["a1", "a2"]);
      await bucket.listKeys({ prefix: "b", cursor: "next" });
      await bucket.listKeys();
      await bucket.clear({ prefix: "c" });
      assert.deepEqual(seen, [
        ["a", undefined],
        ["a", "next"],
        ["b", "next"],
        ["", undefined],
        ["c", undefined],
        ["c", "next"],
      ]);
    },
  },
  {
    id: "s14-bad-prefix",
    rule: "S14",
    subject: "core",
    title:
      "a prefix that is not a well-formed string of at most 1,024 bytes is `invalid-argument`, and nothing is sent",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({ wrap });
      for (const prefix of [5, null, {}, ["a"], "\ud800", "a\udfff", "k".repeat(1_025), "é".repeat(513)]) {
        const options = { prefix: prefix as string };
        const calls = [
          () => bucket.listKeys(options),
          () => bucket.clear(options),
          () => bucket.keys(options)[Symbol.asyncIterator]().next(),
        ];
        for (const call of calls) await rejectsWith(call(), "invalid-argument", `the prefix ${String(prefix)}`);
      }
      assert.equal(requests.length, 0);
    },
  },
  {
    id: "s14-clear",
    rule: "S14",
    subject: "driver",
    title: "clear deletes all keys of its bucket and none of buckets with similar names, and can be repeated",
    async run(context) {
      const store = await context.store();
      const base = context.bucketName();
      const bucket = await store.open(`${base}a_b`);
      const names = similarNames(base).filter((name) => name !== bucket.name);
      const others = await Promise.all(names.map((name) => store.open(name)));
      const keys = [
        "",
        "*",
        "a",
        "a\0",
        "😀",
        "__proto__",
        ...Array.from({ length: 30 }, (_, index) => `key ${index}`),
      ];
      for (const each of [bucket, ...others]) await each.setMany(keys.map((key) => [key, bytes("v")]));
      await bucket.clear({ timeout });
      assert.deepEqual(await keysIn(bucket), []);
      for (const other of others)
        assert.ok(
          !(await other.existsMany(keys)).includes(false),
          `clear of ${bucket.name} must not change ${other.name}`,
        );
      await bucket.clear({ timeout });
      await bucket.clear({ prefix: "a", timeout });
      assert.deepEqual(await keysIn(bucket), []);
    },
  },
  {
    id: "s14-clear-prefix",
    rule: "S14",
    subject: "driver",
    title: "clear with a prefix deletes the keys that start with it, and no other key",
    async run(context) {
      const bucket = await context.bucket();
      const keys = ["", "a", "a*", "a*b", "ab", "abc", "b", "a\\", "a%", "%", "*"];
      for (const prefix of ["a*", "ab", "%", "a\\", "c", ""]) {
        await bucket.setMany(keys.map((key) => [key, bytes("v")]));
        await bucket.clear({ prefix, timeout });
        const rest = keys.filter((key) => !key.startsWith(prefix)).sort();
        assert.deepEqual(await keysIn(bucket), rest, nameOf(prefix));
      }
    },
  },
  {
    id: "s14-clear-many-pages",
    rule: "S14",
    subject: "driver",
    title: "clear deletes 2,500 keys on several pages",
    async run(context) {
      const bucket = await context.bucket();
      const keys = Array.from({ length: 2_500 }, (_, index) => `key ${index}`);
      await bucket.setMany([...keys, "other"].map((key) => [key, bytes("v")]));
      await bucket.clear({ prefix: "key", timeout });
      assert.deepEqual(await keysIn(bucket), ["other"]);
    },
  },
  {
    id: "s14-clear-failures",
    rule: "S14",
    subject: "core",
    title:
      "if clear cannot list or delete keys, it rejects with a StoreError with the fault's code, and can be repeated",
    async run(context) {
      for (const failing of ["list", "delete"] as const) {
        for (const [fault, code] of [
          [refused, "access-denied"],
          [answerLost, "connection-lost"],
        ] as const) {
          let broken = true;
          const bucket = await context.bucket({
            store: { retry: quickRetry },
            wrap: (driver) =>
              faultDriver(driver, ({ operation }) =>
                broken && operation === failing ? { kind: "reject", fault } : undefined,
              ),
          });
          await bucket.setMany(["a", "b"].map((key) => [key, bytes("v")]));
          const error = await rejectionOf(bucket.clear());
          assert.equal(error.code, code);
          // The indexes of a BatchError would refer to keys that the caller does not know.
          assert.ok(!BatchError.is(error), "clear must not reject with a BatchError");
          broken = false;
          await bucket.clear({ timeout });
          assert.deepEqual(await keysIn(bucket), []);
        }
      }
    },
  },
  {
    id: "s14-clear-settles",
    rule: "S14",
    subject: "core",
    title: "the timeout of clear applies to the whole call, and a signal cancels it between pages",
    async run(context) {
      const controller = new AbortController();
      let pages = 0;
      const endless = await context.bucket({
        wrap: (driver) =>
          wrapDriver(driver, {
            list: async () => {
              if (++pages === 100) controller.abort();
              await new Promise((resolve) => setTimeout(resolve, 1));
              return { keys: [], cursor: `page ${pages}` };
            },
          }),
      });
      await rejectsWith(endless.clear({ timeout: 200 }), "timeout");
      pages = 0;
      await rejectsWith(endless.clear({ signal: controller.signal, timeout: Infinity }), "aborted");
    },
  },
];

function prefixCase(id: string, title: string, keys: readonly string[], prefixes: readonly string[]): ConformanceCase {
  return {
    id: `s14-prefix-${id}`,
    rule: "S14",
    subject: "driver",
    title,
    async run(context) {
      const bucket = await context.bucket();
      await bucket.setMany(keys.map((key) => [key, bytes("v")]));
      await listsEachPrefix(bucket, keys, prefixes);
    },
  };
}

/** Asserts that a listing with each of the prefixes contains exactly the keys that start with it. */
async function listsEachPrefix(bucket: Bucket, keys: readonly string[], prefixes: readonly string[]): Promise<void> {
  for (const [index, found] of (await keysWithPrefixes(bucket, prefixes)).entries()) {
    const prefix = prefixes[index] as string;
    assert.deepEqual(
      found,
      startingWith(keys, prefix),
      `the listing of ${bucket.name} with the prefix ${nameOf(prefix)}`,
    );
  }
}

function startingWith(keys: readonly string[], prefix: string): string[] {
  return keys.filter((key) => key.startsWith(prefix)).sort();
}
