import assert from "node:assert/strict";
import { test } from "vitest";
import type { Fault } from "../src/driver.js";
import { createStore, StoreError, type StoreOptions } from "../src/index.js";
import { never, Scripted, ScriptedDriver } from "./scripted-driver.js";

const refused: Fault = { code: "access-denied", retryable: false, effect: "none" };
const quick: StoreOptions = { retry: { attempts: 3, baseDelay: 1, maxDelay: 2 } };
const keys = ["a", "b", "c", "d"];

async function bucketOver(driver: ScriptedDriver, options: StoreOptions = quick) {
  for (const key of keys) driver.data.set(`b:${key}`, new TextEncoder().encode(key));
  return createStore(driver, options).open("b");
}

function is(code: string): (error: unknown) => boolean {
  return (error) => StoreError.is(error) && error.code === code;
}

test("a read repeats only unprocessed keys", async () => {
  const driver = new ScriptedDriver();
  const bucket = await bucketOver(driver);
  driver.reads.push((request, apply) => ({ ...apply(request), unprocessed: [1, 2] }));
  const pairs = await bucket.getMany(keys);
  assert.deepEqual(
    pairs.map((pair) => pair && [pair[0], new TextDecoder().decode(pair[1])]),
    keys.map((key) => [key, key]),
  );
  assert.deepEqual(driver.requests[1]?.keys, ["b", "c"]);
});

test("a key that could not be read is never reported as missing", async () => {
  const driver = new ScriptedDriver();
  const bucket = await bucketOver(driver);
  driver.reads.push((request, apply) => ({ ...apply(request), faults: [{ ...refused, index: 3 }] }));
  await assert.rejects(bucket.getMany(keys), is("access-denied"));
  for (let step = 0; step < 3; step++)
    driver.reads.push(({ keys: asked }) => ({
      values: asked.map(() => undefined),
      unprocessed: asked.map((_, index) => index),
    }));
  await assert.rejects(bucket.getMany(keys), is("throttled"));
});

test("a lost read is repeated, and its fence does not run", async () => {
  const driver = new ScriptedDriver();
  const bucket = await bucketOver(driver);
  let fenced = 0;
  const fence = async () => {
    fenced++;
  };
  driver.reads.push(() => {
    throw new Scripted({ code: "connection-lost", retryable: true, effect: "unknown", fence });
  });
  assert.deepEqual(await bucket.get("a"), new TextEncoder().encode("a"));
  assert.equal(fenced, 0);
});

test("a read rejects if the driver returns too few values", async () => {
  const driver = new ScriptedDriver();
  const bucket = await bucketOver(driver);
  driver.reads.push(() => ({ values: [undefined] }));
  await assert.rejects(bucket.getMany(keys), is("internal"));
});

test("a request that fails and is not retryable interrupts the other requests", async () => {
  const driver = new ScriptedDriver();
  const bucket = await bucketOver(driver, { ...quick, requestLimits: { maxKeys: 1 } });
  let interrupted = 0;
  driver.reads.push(
    (request) => {
      request.signal.addEventListener("abort", () => interrupted++);
      return never();
    },
    () => {
      throw new Scripted(refused);
    },
  );
  await assert.rejects(bucket.getMany(keys, { timeout: Infinity }), is("access-denied"));
  assert.equal(interrupted, 1);
});

test("a page of a listing is retried after a temporary failure", async () => {
  const driver = new ScriptedDriver();
  const bucket = await bucketOver(driver);
  driver.lists.push(
    async () => {
      throw new Scripted({ code: "unavailable", retryable: true, effect: "none" });
    },
    async () => ({ keys: ["x"], cursor: "1" }),
    async () => ({ keys: ["y"] }),
  );
  const listed: string[] = [];
  for await (const key of bucket.keys()) listed.push(key);
  assert.deepEqual(listed, ["x", "y"]);
});

test("a read whose connection is lost again and again shrinks until its response fits", async () => {
  const driver = new ScriptedDriver();
  const bucket = await bucketOver(driver, { retry: { attempts: 2, baseDelay: 0 } });
  const lose = (): never => {
    throw new Scripted({ code: "connection-lost", retryable: true, effect: "none" });
  };
  driver.reads.push(lose, lose);
  assert.equal((await bucket.getMany(keys)).filter(Boolean).length, 4);
  assert.deepEqual(
    driver.requests.map((request) => request.keys.join("")),
    ["abcd", "ab", "a", "b", "cd"],
  );
});

test("a reason that says what to do replaces the general advice", async () => {
  const driver = new ScriptedDriver();
  const bucket = await bucketOver(driver);
  for (const reason of ["NOPERM", "wrong door: use the other one"])
    driver.reads.push(() => {
      throw new Scripted({ ...refused, reason });
    });
  await assert.rejects(bucket.get("a"), /access-denied \(NOPERM\)\. Check the credentials and permissions\.$/);
  await assert.rejects(bucket.get("a"), /access-denied \(wrong door: use the other one\)$/);
});

test.each([
  [1, 0],
  [2, 0],
  [3, 4],
  [7, 100],
])("keys() rejects if the cursors repeat in a cycle of %d after %d others", async (length, before) => {
  const driver = new ScriptedDriver();
  let page = 0;
  driver.list = async () => {
    const place = page < before ? page : before + ((page - before) % length);
    page++;
    return { keys: [`${place}`], cursor: `${place}` };
  };
  const bucket = await createStore(driver).open("b");
  const listed = new Set<string>();
  const listing = (async () => {
    for await (const key of bucket.keys()) listed.add(key);
  })();
  await assert.rejects(listing, { code: "internal", message: /never end/ });
  assert.equal(listed.size, length + before);
  assert.ok(page <= 3 * (length + before) + 1);
});
