import assert from "node:assert/strict";
import { afterEach, expect, test, vi } from "vitest";
import { createStore } from "../src/index.js";
import { never, ScriptedDriver } from "./scripted-driver.js";

afterEach(() => {
  vi.useRealTimers();
});

/** Replaces everything that fake timers can replace. Time then stands still. */
function stopTime(): void {
  const timers = [
    "setTimeout",
    "clearTimeout",
    "setInterval",
    "clearInterval",
    "setImmediate",
    "clearImmediate",
  ] as const;
  vi.useFakeTimers({ toFake: [...timers, "performance", "Date", "queueMicrotask"] });
}

test.each([{ coalesce: false }, { coalesce: true }])(
  "calls settle while a test uses fake timers: %o",
  async (options) => {
    const bucket = await createStore(new ScriptedDriver()).open("b", options);
    stopTime();
    await Promise.all(["a", "b"].map((key) => bucket.set(key, Buffer.from(key))));
    assert.deepEqual(
      await Promise.all(["a", "b", "c"].map((key) => bucket.get(key))),
      [Buffer.from("a"), Buffer.from("b"), undefined].map((value) => value && new Uint8Array(value)),
    );
    await bucket.delete("a");
  },
);

test("a long batch and a retry need no fake timer to advance", async () => {
  const driver = new ScriptedDriver();
  const bucket = await createStore(driver, { retry: { baseDelay: 1 } }).open("b");
  const all = Array.from({ length: 1_000 }, (_, index) => index);
  driver.reads.push(() => ({ values: new Array<undefined>(1_000).fill(undefined), unprocessed: all }));
  stopTime();
  await bucket.getMany(Array.from({ length: 20_000 }, (_, index) => `k${index}`));
});

test("deadlines pass in real time while a test uses fake timers", async () => {
  const driver = new ScriptedDriver();
  driver.reads.push(never);
  const bucket = await createStore(driver).open("b");
  stopTime();
  await expect(bucket.get("a", { timeout: 20 })).rejects.toMatchObject({ code: "timeout" });
});

test("a fake clock that jumps ends no call", async () => {
  const driver = new ScriptedDriver();
  let answer = (): void => {};
  driver.reads.push(async () => {
    await new Promise<void>((resolve) => {
      answer = resolve;
    });
    return { values: [undefined] };
  });
  const bucket = await createStore(driver).open("b");
  stopTime();
  const reading = bucket.get("a");
  await vi.advanceTimersByTimeAsync(3_600_000);
  answer();
  assert.equal(await reading, undefined);
});
