import assert from "node:assert/strict";
import { inspect } from "node:util";
import { type } from "arktype";
import * as v from "valibot";
import { test } from "vitest";
import { z } from "zod";
import {
  BatchError,
  type Bucket,
  DecodeError,
  json,
  openStore,
  type StoreError,
  schema,
  text,
  typed,
} from "../src/index.js";

async function openBucket(): Promise<Bucket> {
  return (await openStore("memory:")).open("typed");
}

function bytes(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

async function errorOf(promise: Promise<unknown>): Promise<StoreError> {
  return promise.then(
    () => assert.fail("the call must reject"),
    (error) => error as StoreError,
  );
}

const schemas = {
  zod: schema(z.object({ name: z.string(), age: z.number().default(1) })),
  valibot: schema(v.object({ name: v.string(), age: v.optional(v.number(), 1) })),
  arktype: schema(type({ name: "string", age: "number = 1" })),
};

test.each(Object.entries(schemas))("a schema of %s checks what is set and what is read", async (_, codec) => {
  const bucket = await openBucket();
  const people = typed(bucket, codec);
  await people.set("ada", { name: "Ada" });
  assert.deepEqual(await people.get("ada"), { name: "Ada", age: 1 });
  const error = await errorOf(
    people.setMany([
      ["bob", { name: "Bob" }],
      ["eve", { name: 7 as unknown as string }],
    ]),
  ); // prettier-ignore
  assert.ok(BatchError.is(error));
  assert.equal(error.code, "invalid-argument");
  assert.match(error.message, /entry 1: the value does not fit the schema/);
  assert.deepEqual(error.counts, { applied: 0, "not-applied": 2, unknown: 0 });
  assert.equal(await bucket.exists("bob"), false);
  await bucket.set("eve", bytes('{"name":"secret","age":"old"}'));
  const failed = await errorOf(people.getMany(["ada", "eve", "bob"]));
  assert.ok(DecodeError.is(failed));
  assert.equal(failed.code, "wrong-type");
  assert.deepEqual(failed.indexes, [1]);
  assert.deepEqual(failed.values(), [{ name: "Ada", age: 1 }, undefined, undefined]);
  assert.doesNotMatch(inspect(failed) + JSON.stringify(failed), /secret/);
});

test("a codec for text keeps every well-formed string", async () => {
  const names = typed(await openBucket(), text());
  const samples = ["", "\ufeffa", "\u0000", "🙂", "ü"];
  await names.setMany(samples.map((sample, index) => [String(index), sample]));
  const read = await names.getMany([...samples.keys()].map(String));
  assert.deepEqual(
    read.map((pair) => pair?.[1]),
    samples,
  );
});

test("a lone surrogate, bytes that are not UTF-8 and text that is not JSON are errors without the value", async () => {
  const bucket = await openBucket();
  assert.equal((await errorOf(typed(bucket, text()).set("a", "\ud800"))).code, "invalid-argument");
  await bucket.set("a", Uint8Array.of(0xff));
  assert.match((await errorOf(typed(bucket, text()).get("a"))).message, /entry 0: the value is not UTF-8/);
  await bucket.set("a", bytes("secret"));
  const error = await errorOf(typed(bucket, json()).get("a"));
  assert.match(error.message, /entry 0: the value is not JSON/);
  assert.doesNotMatch(inspect(error), /secret/);
});

test.each([undefined, () => {}, 1n, Symbol("a")])("JSON cannot represent %s", async (value) => {
  const error = await errorOf(typed(await openBucket(), json<unknown>()).set("a", value));
  assert.equal(error.code, "invalid-argument");
  assert.ok(BatchError.is(error));
  assert.equal(error.outcomeOf(0), "not-applied");
});

test("a value may change as soon as the method has returned its promise", async () => {
  const bucket = typed(await openBucket(), schemas.zod);
  const ada = { name: "Ada", age: 1 };
  const writing = bucket.set("a", ada);
  ada.name = "changed";
  await writing;
  assert.deepEqual(await bucket.get("a"), { name: "Ada", age: 1 });
});

test("an invalid entry of setMany is reported with its index, and nothing is set", async () => {
  const bucket = await openBucket();
  const numbers = typed(bucket, json<number>());
  const entries = [["a", 1], "b"] as unknown as [string, number][];
  const error = await errorOf(numbers.setMany(entries));
  assert.match(error.message, /entry 1: the entry is not a pair/);
  assert.equal(await bucket.exists("a"), false);
  assert.equal((await errorOf(numbers.setMany(7 as unknown as []))).code, "invalid-argument");
});

test("compareAndSwap compares what values encode to", async () => {
  const bucket = await openBucket();
  const people = typed(bucket, json<{ name: string }>());
  await bucket.set("a", bytes('{ "name": "Ada" }'));
  assert.deepEqual(await people.compareAndSwap("a", { expected: { name: "Ada" }, value: { name: "Bob" } }), {
    swapped: true,
  });
  assert.deepEqual(await people.compareAndSwap("a", { expected: { name: "Ada" }, value: { name: "Eve" } }), {
    swapped: false,
    current: { name: "Bob" },
  });
  assert.deepEqual(await people.compareAndSwap("b", { expected: { name: "Ada" }, value: { name: "Eve" } }), {
    swapped: false,
    current: undefined,
  });
  assert.deepEqual(await people.compareAndSwap("a", { expected: { name: "Bob" }, value: undefined }), {
    swapped: true,
  });
  assert.equal(await people.exists("a"), false);
  const error = await errorOf(people.compareAndSwap("a", { expected: undefined, value: 1n as never }));
  assert.ok(BatchError.is(error));
  assert.equal(error.counts["not-applied"], 1);
});

test("the other methods pass on to the bucket", async () => {
  const bucket = typed(await openBucket(), json<number>());
  await bucket.setMany([
    ["a/1", 1],
    ["a/2", 2, { ttl: 60_000 }],
    ["b", 3],
  ]); // prettier-ignore
  assert.equal(await bucket.increment("a/1", 4), 5n);
  assert.deepEqual(
    await bucket.getMap(["a/1", "a/2", "c"]),
    new Map([
      ["a/1", 5],
      ["a/2", 2],
    ]),
  ); // prettier-ignore
  assert.deepEqual(await bucket.existsMany(["a/1", "c"]), [true, false]);
  const [none, some] = await bucket.ttlMany(["a/1", "a/2"]);
  assert.equal(none, null);
  assert.ok(typeof some === "number" && some > 0 && some <= 60_000);
  await bucket.clear({ prefix: "a/" });
  assert.deepEqual((await bucket.listKeys()).keys, ["b"]);
  await bucket.delete("b");
  await bucket.deleteMany(["b"]);
  for await (const key of bucket.keys()) assert.fail(key);
  await assert.rejects(bucket.set("a", 1, { ifAbsent: true, ttl: -1 }), { code: "invalid-argument" });
});

test("an iterable that throws, and a change that is not an object, are errors of the call", async () => {
  const bucket = typed(await openBucket(), json<number>());
  const throwing = (function* (): Generator<[string, number]> {
    yield ["a", 1];
    throw new Error("secret");
  })();
  const error = await errorOf(bucket.setMany(throwing));
  assert.ok(BatchError.is(error));
  assert.equal(error.code, "invalid-argument");
  assert.doesNotMatch(inspect(error), /secret/);
  assert.equal((await errorOf(bucket.compareAndSwap("a", undefined as never))).code, "invalid-argument");
});
