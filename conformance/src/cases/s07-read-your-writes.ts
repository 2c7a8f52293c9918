import assert from "node:assert/strict";
import type { Bucket } from "@manykv/core";
import type { ConformanceCase } from "../conformance-case.js";
import { bytes, sameBytes } from "../support/bytes.js";

/** Cases for rule S7: once a write has resolved, every later read sees the effect of this write or of a newer one. */
export const readYourWritesCases: readonly ConformanceCase[] = [
  {
    id: "s07-single-then-batch",
    rule: "S7",
    subject: "driver",
    wit: ["batch 4"],
    title: "getMany returns the value that set wrote, and undefined once delete has deleted the key",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.set("key", bytes("v"));
      assert.deepEqual(await bucket.getMany(["key"]), [["key", bytes("v")]]);
      await bucket.delete("key");
      assert.deepEqual(await bucket.getMany(["key"]), [undefined]);
    },
  },
  {
    id: "s07-batch-then-single",
    rule: "S7",
    subject: "driver",
    wit: ["batch 4", "set-many 1", "delete-many 1"],
    title: "get and exists find the keys that setMany wrote, and not those that deleteMany deleted",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.setMany([
        ["a", bytes("1")],
        ["b", bytes("2")],
      ]);
      sameBytes(await bucket.get("a"), bytes("1"));
      assert.equal(await bucket.exists("b"), true);
      await bucket.deleteMany(["a"]);
      assert.equal(await bucket.get("a"), undefined);
      assert.equal(await bucket.exists("a"), false);
      sameBytes(await bucket.get("b"), bytes("2"), "the value of the key that was not deleted");
    },
  },
  {
    id: "s07-set-many-creates",
    rule: "S7",
    subject: "driver",
    wit: ["set-many 4"],
    title: "setMany creates keys that do not exist",
    async run(context) {
      const bucket = await context.bucket();
      assert.deepEqual(await bucket.getMany(["a", "b"]), [undefined, undefined]);
      await bucket.setMany([
        ["a", bytes("1")],
        ["b", bytes("2")],
      ]);
      assert.deepEqual(await bucket.getMany(["a", "b"]), [
        ["a", bytes("1")],
        ["b", bytes("2")],
      ]);
    },
  },
  {
    id: "s07-set-many-overwrites",
    rule: "S7",
    subject: "driver",
    wit: ["set-many 2"],
    title: "setMany overwrites existing keys and creates new ones in the same call",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.setMany([
        ["a", bytes("old and longer")],
        ["b", bytes("stays")],
      ]);
      await bucket.setMany([
        ["a", bytes("new")],
        ["c", bytes("created")],
      ]);
      assert.deepEqual(await bucket.getMany(["a", "b", "c"]), [
        ["a", bytes("new")],
        ["b", bytes("stays")],
        ["c", bytes("created")],
      ]);
    },
  },
  {
    id: "s07-delete-many-skips-missing",
    rule: "S7",
    subject: "driver",
    wit: ["delete-many 3"],
    title: "deleteMany and delete succeed for keys that do not exist",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.set("there", bytes("v"));
      await bucket.deleteMany(["missing", "there", "also missing"]);
      await bucket.deleteMany(["missing"]);
      await bucket.delete("missing");
      assert.equal(await bucket.exists("there"), false);
    },
  },
  {
    id: "s07-all-handles-see-it",
    rule: "S7",
    subject: "driver",
    wit: ["batch 4"],
    title: "every handle of a bucket reads what another handle wrote",
    async run(context) {
      const store = await context.store();
      const name = context.bucketName();
      const handles = [await store.open(name), await store.open(name), await store.open(name)];
      for (const [index, handle] of handles.entries()) {
        await handle.set("key", bytes(`${index}`));
        for (const other of handles) sameBytes(await other.get("key"), bytes(`${index}`));
      }
    },
  },
  {
    id: "s07-all-clients-see-it",
    rule: "S7",
    subject: "driver",
    wit: ["batch 4"],
    title: "once a write has resolved, every client of the same data sees its effect",
    async run(context) {
      const name = context.bucketName();
      const clients = [await context.bucket({ name }), await context.bucket({ name })];
      const [one, other] = clients as [Bucket, Bucket];
      for (let round = 0; round < 20; round++) {
        await one.setMany([["key", bytes(`${round}`)]]);
        sameBytes(await other.get("key"), bytes(`${round}`));
        await other.deleteMany(["key"]);
        assert.deepEqual(await one.getMany(["key"]), [undefined]);
      }
    },
  },
  {
    id: "s07-overwrites-in-a-row",
    rule: "S7",
    subject: "driver",
    wit: ["set-many 2"],
    title: "each of a hundred consecutive writes is visible as soon as it has resolved",
    async run(context) {
      const bucket = await context.bucket();
      for (let round = 0; round < 100; round++) {
        if (round % 2) await bucket.set("key", bytes(`${round}`));
        else await bucket.setMany([["key", bytes(`${round}`)]]);
        sameBytes(round % 3 ? await bucket.get("key") : (await bucket.getMany(["key"]))[0]?.[1], bytes(`${round}`));
      }
    },
  },
  {
    id: "s07-set-after-delete",
    rule: "S7",
    subject: "driver",
    title: "a deleted key can be set again",
    async run(context) {
      const bucket = await context.bucket();
      for (const round of ["first", "second", "third"]) {
        await bucket.set("key", bytes(round));
        sameBytes(await bucket.get("key"), bytes(round));
        await bucket.delete("key");
        assert.equal(await bucket.exists("key"), false);
      }
    },
  },
  {
    id: "s07-writes-at-the-same-time",
    rule: "S7",
    subject: "driver",
    title: "after many concurrent writes have resolved, all of them are stored",
    async run(context) {
      const bucket = await context.bucket();
      const calls = Array.from({ length: 40 }, (_, call) =>
        call % 2
          ? bucket.set(`single ${call}`, bytes(`${call}`))
          : bucket.setMany([
              [`a ${call}`, bytes(`${call}`)],
              [`b ${call}`, bytes(`${call}`)],
            ]),
      );
      await Promise.all(calls);
      for (const call of calls.keys()) {
        const keys = call % 2 ? [`single ${call}`] : [`a ${call}`, `b ${call}`];
        assert.deepEqual(
          await bucket.getMany(keys),
          keys.map((key) => [key, bytes(`${call}`)]),
        );
      }
    },
  },
  {
    id: "s07-order-inside-a-batch-is-free",
    rule: "S7",
    subject: "core",
    wit: ["set-many 3", "delete-many 2"],
    title: "once a batch has resolved, all its keys are written or deleted, regardless of the order of its requests",
    async run(context) {
      const bucket = await context.bucket({ store: { requestLimits: { maxKeys: 3 } } });
      const keys = Array.from({ length: 50 }, (_, index) => `key ${index}`);
      await bucket.setMany(keys.map((key) => [key, bytes(key)]));
      assert.deepEqual(
        await bucket.getMany(keys),
        keys.map((key) => [key, bytes(key)]),
      );
      await bucket.deleteMany(keys.filter((_, index) => index % 2 === 0));
      assert.deepEqual(
        await bucket.getMany(keys),
        keys.map((key, index) => (index % 2 ? [key, bytes(key)] : undefined)),
      );
    },
  },
];
