import { describe, expect, test } from "vitest";
import type { Shape } from "../src/index.js";
import { errorOf, type Guest, runnableShapes, startGuest } from "./support/guest.js";
import { storeEntry, storeNames } from "./support/stores.js";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

for (const shape of runnableShapes) {
  describe.each(storeNames)(`a component of the shape ${shape} on %s`, (name) => {
    test("calls every function of store, atomics and batch", async () => {
      await using started = await startGuest({ shape, stores: { default: storeEntry(name) } });
      await walk(started.guest, shape);
    });
  });
}

for (const shape of runnableShapes.filter((each) => each !== "wasmcloud-0.2")) {
  test(`a component of the shape ${shape} calls every function on a store in memory, without JSPI or a worker`, async () => {
    await using started = await startGuest({ shape, mode: "sync", stores: { default: "memory:" } });
    await walk(started.guest, shape);
  });
}

/** Calls every function of the interface, and checks what the guest received. */
async function walk(guest: Guest, shape: Shape): Promise<void> {
  // The store.
  expect(await guest.get("default", "hello")).toBeUndefined();
  expect(await guest.exists("default", "hello")).toBe(false);
  await guest.set("default", "hello", bytes("world"));
  expect(await guest.get("default", "hello")).toEqual(bytes("world"));
  expect(await guest.exists("default", "hello")).toBe(true);
  expect((await listAll(guest, shape)).sort()).toEqual(["hello"]);
  await guest.delete("default", "hello");
  await guest.delete("default", "hello");
  expect(await guest.get("default", "hello")).toBeUndefined();
  await guest.set("default", "", new Uint8Array());
  expect(await guest.get("default", "")).toEqual(new Uint8Array());
  await guest.delete("default", "");

  // Counters.
  expect(await guest.increment("default", "count", 5n)).toBe(5n);
  expect(await guest.increment("default", "count", 1n)).toBe(6n);
  expect(await guest.get("default", "count")).toEqual(bytes("6"));
  expect(await guest.increment("default", "largest", 2n ** 63n - 1n)).toBe(2n ** 63n - 1n);
  if (shape === "draft") {
    expect((await errorOf(() => guest.increment("default", "largest", 2n ** 64n - 1n))).tag).toBe("other");
  } else {
    expect(await guest.increment("default", "smallest", -(2n ** 63n))).toBe(-(2n ** 63n));
    expect(await guest.increment("default", "count", -10n)).toBe(-4n);
  }
  expect((await errorOf(() => guest.increment("default", "largest", 1n))).tag).toBe(
    shape === "wasmcloud-0.2" ? "precondition-failed" : "other",
  );

  // Batches: order, duplicates, missing keys, and a key twice.
  await guest.setMany("default", [
    ["a", bytes("first")],
    ["b", bytes("2")],
    ["a", bytes("1")],
    ["\u0000ü😀", bytes("")],
  ]);
  const values = await guest.getMany("default", ["b", "missing", "a", "b", "\u0000ü😀"]);
  const missing = shape === "draft2" ? ["missing", undefined] : undefined;
  expect(values).toEqual([["b", bytes("2")], missing, ["a", bytes("1")], ["b", bytes("2")], ["\u0000ü😀", bytes("")]]);
  await guest.deleteMany("default", ["a", "missing", "a"]);
  expect(await guest.exists("default", "a")).toBe(false);
  await guest.setMany("default", []);
  expect(await guest.getMany("default", [])).toEqual([]);
  await guest.deleteMany("default", []);

  // More keys than fit in one page or in one request.
  const many = Array.from({ length: 250 }, (_, index) => `many-${index}`);
  await guest.setMany(
    "default",
    many.map((key) => [key, bytes(key)]),
  );
  expect(await guest.getMany("default", many)).toEqual(many.map((key) => [key, bytes(key)]));
  const listed = (await listAll(guest, shape)).filter((key) => key.startsWith("many-"));
  expect(listed.sort()).toEqual(many.toSorted());

  await walkErrors(guest, shape);
  if (shape.startsWith("draft2")) await walkHandles(guest);
  if (shape === "wasmcloud-0.2") await walkWasmcloud(guest);
}

async function listAll(guest: Guest, shape: Shape): Promise<string[]> {
  const keys = new Set<string>();
  let cursor: string | bigint | undefined;
  do {
    const page = await (shape === "wasmcloud-0.2"
      ? guest.listKeys("default", undefined, cursor)
      : guest.listKeys("default", cursor));
    for (const key of page.keys) keys.add(key);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return [...keys];
}

/** Each error reaches the guest as a value, and the next call works. */
async function walkErrors(guest: Guest, shape: Shape): Promise<void> {
  const named = shape === "wasmcloud-0.2";
  expect(await errorOf(() => guest.open("unlisted"))).toEqual({ tag: "no-such-store" });
  const longKey = "k".repeat(1025);
  const invalid = [
    () => guest.get("default", longKey),
    () => guest.set("default", longKey, bytes("")),
    () => guest.delete("default", longKey),
    () => guest.exists("default", longKey),
    () => guest.increment("default", longKey, 1n),
    () => guest.getMany("default", ["ok", longKey]),
    () =>
      guest.setMany("default", [
        ["not-set", bytes("")],
        [longKey, bytes("")],
      ]),
    () => guest.deleteMany("default", [longKey]),
    () =>
      named ? guest.listKeys("default", undefined, "0") : guest.listKeys("default", shape === "draft" ? 77n : "0"),
  ];
  for (const call of invalid) expect((await errorOf(call)).tag).toBe(named ? "invalid-argument" : "other");
  await guest.set("default", "text", bytes("no number"));
  expect((await errorOf(() => guest.increment("default", "text", 1n))).tag).toBe("other");
  expect(await guest.exists("default", "not-set")).toBe(false);
}

/** Compare-and-swap with handles, as in draft2. */
async function walkHandles(guest: Guest): Promise<void> {
  await guest.newCas("default", "swapped");
  expect(await guest.currentCas()).toBeUndefined();
  expect(await guest.swapCas(bytes("one"))).toBe(true);
  await guest.newCas("default", "swapped");
  expect(await guest.currentCas()).toEqual(bytes("one"));
  await guest.set("default", "swapped", bytes("two"));
  expect(await guest.swapCas(bytes("three"))).toBe(false);
  // The failed swap returned a handle with the current value.
  expect(await guest.currentCas()).toEqual(bytes("two"));
  expect(await guest.swapCas(bytes("three"))).toBe(true);
  expect(await guest.get("default", "swapped")).toEqual(bytes("three"));
  expect((await errorOf(() => guest.newCas("default", "k".repeat(1025)))).tag).toBe("other");
}

/** Options, prefixes and compare-and-swap without handles, as in wasmcloud:keyvalue. */
async function walkWasmcloud(guest: Guest): Promise<void> {
  await guest.set("default", "once", bytes("1"), { ttlMs: undefined, ifNotExists: true });
  const again = () => guest.set("default", "once", bytes("2"), { ttlMs: undefined, ifNotExists: true });
  expect(await errorOf(again)).toEqual({ tag: "precondition-failed" });
  await guest.set("default", "expiring", bytes("1"), { ttlMs: 60_000n, ifNotExists: false });
  const ttlZero = () => guest.set("default", "never", bytes("1"), { ttlMs: 0n, ifNotExists: false });
  expect(await errorOf(ttlZero)).toEqual({ tag: "invalid-argument" });
  expect((await guest.listKeys("default", "onc", undefined)).keys).toEqual(["once"]);

  expect(await guest.current("default", "entry")).toBeUndefined();
  const none = { requireVersion: undefined, requireValue: undefined };
  expect(await errorOf(() => guest.swap("default", "entry", bytes("x"), none))).toEqual({ tag: "invalid-argument" });
  await guest.set("default", "entry", bytes("one"));
  const first = await guest.current("default", "entry");
  expect(first?.value).toEqual(bytes("one"));
  const byVersion = { requireVersion: first?.version, requireValue: undefined };
  expect(await guest.swap("default", "entry", bytes("two"), byVersion)).toMatchObject({ tag: "swapped" });
  const stale = await guest.swap("default", "entry", bytes("three"), byVersion);
  expect(stale).toMatchObject({ tag: "stale", val: { value: bytes("two") } });
  const byValue = { requireVersion: undefined, requireValue: bytes("two") };
  expect(await guest.swap("default", "entry", bytes("three"), byValue)).toMatchObject({ tag: "swapped" });
  const both = { requireVersion: first?.version, requireValue: bytes("three") };
  expect(await guest.swap("default", "entry", bytes("four"), both)).toMatchObject({ tag: "stale" });
}
