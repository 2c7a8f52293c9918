import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { Call } from "../src/call/call.js";
import { StoreCore } from "../src/create-store.js";
import { type DuplicatePolicy, findDuplicates } from "../src/input/chunk.js";
import { resolveOptions } from "../src/options.js";
import { ScriptedDriver } from "./scripted-driver.js";

function expected(keys: readonly string[], policy: DuplicatePolicy): number[] | undefined {
  if (new Set(keys).size === keys.length) return undefined;
  return keys.map((key) => (policy === "first" ? keys.indexOf(key) : keys.lastIndexOf(key)));
}

function someCall(timeout = 60_000): Call {
  const driver = new ScriptedDriver();
  const call = new Call(new StoreCore(driver, resolveOptions(driver, {})), "getMany", "b");
  void call.run({ timeout }, () => new Promise(() => {}));
  return call;
}

const keyLists = fc.array(
  fc.oneof(fc.string({ unit: "binary", maxLength: 3 }), fc.constantFrom("", "__proto__", "a", "b")),
  { maxLength: 40 },
);

test("findDuplicates maps each index to the first or last index of the same key", async () => {
  await fc.assert(
    fc.asyncProperty(keyLists, fc.constantFrom("first" as const, "last" as const), async (keys, policy) => {
      const found = await findDuplicates(keys, policy, someCall());
      assert.deepEqual(found && [...found], expected(keys, policy));
    }),
    { numRuns: 500 },
  );
});

test("a search for duplicates in a long batch lets other work run between its steps", async () => {
  const keys = Array.from({ length: 40_000 }, (_, index) => `k${index}`);
  assert.equal(await findDuplicates(keys, "last", someCall()), undefined);
  keys[39_999] = "k7";
  let turns = 0;
  const counter = setInterval(() => turns++, 0);
  const immediate = (): void => {
    turns++;
    next = setImmediate(immediate);
  };
  let next = setImmediate(immediate);
  const last = await findDuplicates(keys, "last", someCall());
  clearInterval(counter);
  clearImmediate(next);
  assert.ok(turns >= 4, `other work must run at least 4 times, but ran ${turns} times`);
  assert.deepEqual([last?.[7], last?.[8], last?.[39_999]], [39_999, 8, 39_999]);
  const first = await findDuplicates(keys, "first", someCall());
  assert.deepEqual([first?.[7], first?.[39_999]], [7, 7]);
});

test("a search for duplicates in steps stops at the call's deadline", async () => {
  const keys = Array.from({ length: 20_000 }, (_, index) => `k${index}`);
  await assert.rejects(async () => findDuplicates(keys, "last", someCall(0)), {
    code: "timeout",
    entries: 20_000,
  });
});
