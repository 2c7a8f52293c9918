// Calls the methods of a bucket on each target in MANYKV_TARGETS and checks the results. A target with a `code` refuses
// the call. Prints "walked" at the end and then lets the process end by itself.
import assert from "node:assert/strict";
import { StoreError } from "@manykv/core";
import { openStore } from "./stores.mjs";

const bytes = (text) => new TextEncoder().encode(text);
const text = (value) => value && new TextDecoder().decode(value);

export async function walk(target) {
  const store = await openStore(target);
  await store.provision();
  // Other programs use the same servers at the same time.
  const bucket = await store.open(target.table);
  await bucket.set("single", bytes("VALUECANARY single"));
  await bucket.setMany([
    ["a", bytes("VALUECANARY a")],
    ["b", bytes("VALUECANARY b")],
    ["a", bytes("VALUECANARY last")],
  ]);
  assert.equal(text(await bucket.get("single")), "VALUECANARY single");
  const found = await bucket.getMany(["b", "missing", "a"]);
  assert.deepEqual(
    found.map((entry) => entry && [entry[0], text(entry[1])]),
    [["b", "VALUECANARY b"], undefined, ["a", "VALUECANARY last"]],
  );
  assert.equal(await bucket.exists("a"), true);
  const keys = [];
  for await (const key of bucket.keys()) keys.push(key);
  assert.deepEqual(keys.sort(), ["a", "b", "single"]);
  await assert.rejects(
    bucket.setMany([
      ["a", bytes("x")],
      ["a\ud800", bytes("VALUECANARY")],
    ]),
    { code: "invalid-argument" },
  );
  // Many calls at once use several connections, where the backend has several.
  const many = Array.from({ length: 30 }, (_, index) => `many-${index}`);
  await Promise.all(many.map((key) => bucket.set(key, bytes("VALUECANARY many"))));
  assert.equal((await bucket.getMany(many)).filter(Boolean).length, many.length);
  await bucket.deleteMany([...many, "a", "b"]);
  await bucket.delete("single");
  assert.deepEqual(await bucket.getMany(["a", "b", "single"]), [undefined, undefined, undefined]);
  await store.close();
}

/** Expects a server to refuse a call, because of a wrong password or a missing table. */
export async function meetRefusal({ code, ...target }) {
  const store = await openStore(target);
  const bucket = await store.open("walk");
  const error = await bucket.set("k", bytes("VALUECANARY refused"), { timeout: 5_000 }).catch((error) => error);
  assert.ok(StoreError.is(error), String(error));
  assert.equal(error.code, code, error.message);
  console.log(error);
  await store.close();
}

process.on("unhandledRejection", (reason) => {
  console.log("unhandled rejection", reason);
  process.exitCode = 1;
});
process.on("uncaughtException", (error) => {
  console.log("uncaught exception", error);
  process.exitCode = 1;
});

/** Set by programs that load a tracing agent: runs code inside a transaction of the agent, and reports what it saw. */
const { inTransaction = (_, run) => run(), finish = async () => {} } = globalThis.manykvAgent ?? {};

for (const target of JSON.parse(process.env["MANYKV_TARGETS"]))
  await inTransaction(target.backend, () => (target.code === undefined ? walk(target) : meetRefusal(target)));
await finish();
console.log("walked");
