// A process that its platform freezes between calls and in the middle of calls, like a function in a cloud.
import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { StoreError } from "@manykv/core";
import { openStore } from "./stores.mjs";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const value = new Uint8Array(100).fill(7);
const keys = Array.from({ length: 500 }, (_, index) => `${index}`);
const entries = keys.map((key) => [key, value]);
const targets = JSON.parse(process.env["MANYKV_TARGETS"]);

const buckets = [];
for (const target of targets) {
  const store = await openStore(target);
  await store.provision();
  buckets.push({ store, bucket: await store.open("frozen") });
}

/** Expects every call to succeed, and to find what the process has written. */
async function use() {
  for (const { bucket } of buckets) {
    await bucket.setMany(entries);
    const found = await bucket.getMany(keys);
    assert.ok(found.every((entry) => entry !== undefined && Buffer.from(entry[1]).equals(value)));
  }
}

await use();
console.log("idle");
await lines.next();
await use();
const calls = buckets.flatMap(({ bucket }) => [bucket.setMany(entries), bucket.getMany(keys)]);
console.log("busy");
await lines.next();
for (const { status, reason } of await Promise.allSettled(calls))
  assert.ok(status === "fulfilled" || StoreError.is(reason));
await use();
for (const { store } of buckets) await store.close();
console.log("worked");
process.stdin.destroy();
