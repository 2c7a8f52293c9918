import { memoryStore } from "@manykv/memory";
import { expect, test } from "vitest";
import { hasJspi, type KeyvalueOptions, keyvalue } from "../src/keyvalue.js";
import { errorOf, loadGuest, runnableShapes, startGuest } from "./support/guest.js";
import { storeEntry } from "./support/stores.js";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("rejects unknown and invalid options, and says what to do", () => {
  const stores = { default: "memory:" };
  const invalid: [unknown, RegExp][] = [
    [{ stores, store: "memory:" }, /unknown option "store": the options are stores, unlisted/],
    [{ stores, unlisted: "other" }, /`unlisted` must be one of "no-such-store", "access-denied"/],
    [{ stores, shape: "draft3" }, /`shape` must be one of "draft", "draft2-2024", "draft2", "wasmcloud-0.2"/],
    [{ stores, mode: "async" }, /`mode` must be one of "jspi", "sync"/],
    [{ stores, timeout: 0 }, /`timeout` must be a positive integer/],
    [{ stores, maxResultBytes: 1.5 }, /`maxResultBytes` must be a positive integer/],
    [{ stores: { a: {} } }, /the store "a" needs a URL, a store or a module/],
    [{ stores: { a: { url: "memory:", module: "x" } } }, /set exactly one of `url`, `store` and `module`/],
    [{ stores: { a: { url: "memory:", name: "x" } } }, /the store "a" has the unknown option "name"/],
    [{ stores: { "a b": "memory:" } }, /the store "a b" has no valid bucket: set `bucket`/],
    [{ stores, shape: "wasmcloud-0.2", mode: "sync" }, /wasmcloud:keyvalue is asynchronous, so it needs mode "jspi"/],
    [{ stores: { default: memoryStore() }, mode: "sync" }, /pass the URL of the store, or a module that creates it/],
  ];
  for (const [options, message] of invalid) expect(() => keyvalue(options as KeyvalueOptions)).toThrow(message);
  if (!hasJspi) expect(() => keyvalue({ stores, mode: "jspi" })).toThrow(/needs Node.js 24.20, 26 or later/);
});

test("the host maps identifiers, of which the empty one and default are ordinary names", async () => {
  const memory = storeEntry("memory").module;
  const stores = {
    "": { module: memory, argument: { name: "memory" } },
    default: { module: memory, argument: { name: "memory" } },
    "any name / 1": { module: memory, argument: { name: "memory" }, bucket: "default" },
  };
  await using started = await startGuest({ stores });
  const { guest } = started;
  await guest.set("", "k", bytes("empty"));
  expect(await guest.get("default", "k")).toBeUndefined();
  await guest.set("default", "k", bytes("default"));
  expect(await guest.get("", "k")).toEqual(bytes("empty"));
  expect(await guest.get("any name / 1", "k")).toEqual(bytes("default"));
  expect(await errorOf(() => guest.get("Default", "k"))).toEqual({ tag: "no-such-store" });
});

test("an unlisted identifier is access-denied if the host says so, as in Spin", async () => {
  await using started = await startGuest({ stores: {}, unlisted: "access-denied" });
  expect(await errorOf(() => started.guest.open("forbidden"))).toEqual({ tag: "access-denied" });
});

test("refuses a host of another shape or mode before the component runs", async () => {
  await using other = keyvalue({ stores: {}, shape: "draft" });
  const component = await loadGuest("draft2");
  await expect(component.instantiate(other)).rejects.toThrow(
    "the component imports the shape draft2 of the interface, and the host has draft",
  );
  await expect(component.instantiate(undefined)).rejects.toThrow(
    "the component imports what this host does not have: wasi:keyvalue/store@0.2.0-draft2",
  );
  if (!hasJspi) return;
  await using sync = keyvalue({ stores: {}, mode: "sync" });
  await expect(component.instantiate(sync)).rejects.toThrow(
    'the component was loaded for mode "jspi", and the host has mode "sync"',
  );
});

test("finds the shape of a component, also of the two with the same version", async () => {
  for (const shape of runnableShapes) expect((await loadGuest(shape)).shape).toBe(shape);
  if (!hasJspi) await expect(loadGuest("wasmcloud-0.2")).rejects.toThrow(/run it with Node.js 24.20, 26 or later/);
});

test("a store that cannot be opened is an error of open, and of the component's call", async () => {
  const failed: unknown[] = [];
  const stores = { default: { module: "file:///missing.mjs" } };
  await using started = await startGuest({ stores, onError: (failure) => failed.push(failure) });
  await expect(started.host.open()).rejects.toThrow(/missing.mjs/);
  expect(await errorOf(() => started.guest.get("default", "k"))).toEqual({
    tag: "other",
    val: "internal: the store failed",
  });
  await started.host.close();
  expect(failed).toMatchObject([{ identifier: "default", call: "get" }]);
});

test("after close, calls fail and nothing keeps the process alive", async () => {
  const { guest, host } = await startGuest({ stores: { default: storeEntry("memory") } });
  await guest.set("default", "k", bytes("1"));
  await host.close();
  await host.close();
  expect(await errorOf(() => guest.get("default", "k"))).toEqual({
    tag: "other",
    val: "closed: the host closed the store",
  });
});
