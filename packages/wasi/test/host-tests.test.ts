// The tests of other hosts, with the same calls.
import { expect, test } from "vitest";
import { errorOf, startGuest } from "./support/guest.js";
import { storeEntry, storeNames } from "./support/stores.js";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test.each(storeNames)("wasmtime's test of keyvalue passes on %s", async (name) => {
  await using started = await startGuest({ shape: "draft", stores: { "": storeEntry(name) } });
  const { guest } = started;
  await guest.set("", "atomics_key", bytes("5"));
  expect(await guest.increment("", "atomics_key", 1n)).toBe(6n);
  expect(await guest.listKeys("", undefined)).toEqual({ keys: ["atomics_key"], cursor: undefined });

  await guest.set("", "hello", bytes("world"));
  expect(await guest.get("", "hello")).toEqual(bytes("world"));
  expect(await guest.exists("", "hello")).toBe(true);
  await guest.delete("", "hello");
  expect(await guest.exists("", "hello")).toBe(false);
  expect(await guest.get("", "hello")).toBeUndefined();

  await guest.setMany("", [
    ["a1", bytes("v1")],
    ["b1", bytes("v1")],
    ["c1", bytes("v1")],
  ]);
  await guest.deleteMany("", ["a1", "c1"]);
  expect(await guest.getMany("", ["a1", "b1", "c1"])).toEqual([undefined, ["b1", bytes("v1")], undefined]);
});

test("Spin's test of keyvalue passes", async () => {
  await using started = await startGuest({ stores: { default: storeEntry("redis") }, unlisted: "access-denied" });
  const { guest } = started;
  expect(await errorOf(() => guest.open("forbidden"))).toEqual({ tag: "access-denied" });
  expect((await errorOf(() => guest.listKeys("default", "0"))).tag).toBe("other");
  await guest.set("default", "bar", bytes("baz"));
  await guest.set("default", "qux", bytes("xyzzy"));
  expect((await guest.listKeys("default", undefined)).keys.sort()).toEqual(["bar", "qux"]);
  expect(await guest.getMany("default", ["bar", "alpha", "qux"])).toEqual([
    ["bar", bytes("baz")],
    ["alpha", undefined],
    ["qux", bytes("xyzzy")],
  ]);
  expect(await guest.increment("default", "counter", 10n)).toBe(10n);
  await guest.newCas("default", "bar");
  expect(await guest.swapCas(bytes("new"))).toBe(true);
  await guest.newCas("default", "bar");
  await guest.set("default", "bar", bytes("changed"));
  expect(await guest.swapCas(bytes("lost"))).toBe(false);
  expect(await guest.currentCas()).toEqual(bytes("changed"));
});
