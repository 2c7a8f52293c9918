import { memoryStore } from "@manykv/memory";
import fc from "fast-check";
import { expect, test } from "vitest";
import { CallRunner, type FailedCall } from "../src/stores/call-runner.js";
import type { CallName } from "../src/stores/calls.js";
import { MemoryRunner } from "../src/stores/memory-runner.js";
import { StoreTable, toSettings } from "../src/stores/store-table.js";
import { errorOf, startGuest } from "./support/guest.js";

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

const key = fc.constantFrom("", "a", "b", "\u0000ü😀", "k".repeat(1_024), "k".repeat(1_025), "ü".repeat(513));
const value = fc.constantFrom("", "1", "-7", "01", "text", "9223372036854775807").map(bytes);
const delta = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const unsigned = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

/** Arguments of each call that components without JSPI make. */
const calls: { readonly [Name in CallName]: fc.Arbitrary<unknown[]> } = {
  get: fc.tuple(key),
  set: fc.tuple(key, value),
  delete: fc.tuple(key),
  exists: fc.tuple(key),
  listKeys: fc.tuple(fc.constant(undefined), fc.constantFrom(undefined, "0", "after:", "default ", "default a")),
  listKeysByNumber: fc.tuple(fc.constantFrom(undefined, 0n, 1n)),
  increment: fc.tuple(key, fc.oneof(delta, fc.constantFrom(1n, -1n))),
  incrementUnsigned: fc.tuple(key, fc.oneof(unsigned, fc.constantFrom(0n, 1n))),
  compareAndSwap: fc.tuple(key, fc.option(value, { nil: undefined }), value),
  getMany: fc.tuple(fc.array(key)),
  setMany: fc.array(fc.tuple(key, value)).map((pairs) => [pairs.map(([each]) => each), pairs.map(([, each]) => each)]),
  deleteMany: fc.tuple(fc.array(key)),
};

const step = fc
  .constantFrom(...(Object.keys(calls) as CallName[]))
  .chain((name) => fc.tuple(fc.constantFrom("default", "other", "same"), fc.constant(name), calls[name]));

test("memory in this thread answers every call as the store of @manykv/memory does", async () => {
  const runSteps = async (steps: [string, CallName, unknown[]][]): Promise<void> => {
    await using store = memoryStore();
    const failed: string[][] = [[], []];
    const optionsOf = (list: string[] | undefined) => ({
      timeout: 10_000,
      maxResultBytes: 2_000,
      onError: ({ identifier, call }: FailedCall) => list?.push(`${identifier} ${call}`),
    });
    const settings = (entry: object) =>
      toSettings({ default: entry, other: entry, same: { ...entry, bucket: "default" } });
    const expected = new CallRunner(new StoreTable(settings({ store }), 10_000), optionsOf(failed[0]));
    const runner = new MemoryRunner(settings({ url: "memory:" }), optionsOf(failed[1]));
    for (const [identifier, name, args] of steps) {
      const answer = runner.run(identifier, name, args as never);
      expect(answer).toEqual(await expected.run(identifier, name, args as never));
    }
    expect(failed[1]).toEqual(failed[0]);
  };
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60 }), runSteps), { numRuns: 300 });
});

test("pages and limits are those of the store", async () => {
  await using store = memoryStore();
  const options = { timeout: 10_000, maxResultBytes: 200_000_000, onError: undefined };
  const expected = new CallRunner(new StoreTable(toSettings({ default: { store } }), 10_000), options);
  const runner = new MemoryRunner(toSettings({ default: "memory:" }), options);
  const compare = async (name: CallName, ...args: unknown[]): Promise<void> =>
    expect(runner.run("default", name, args as never)).toEqual(await expected.run("default", name, args as never));
  const keys = Array.from({ length: 2_500 }, (_, index) => `${(index * 7919) % 2_500}`);
  await compare("setMany", keys, Array(2_500).fill(bytes("1")));
  let cursor: string | undefined;
  do {
    await compare("listKeys", undefined, cursor);
    const answer = runner.run("default", "listKeys", [undefined, cursor]);
    cursor = "value" in answer ? answer.value.cursor : undefined;
    await compare("deleteMany", keys.slice(0, 300));
  } while (cursor !== undefined);
  const largest = new Uint8Array(64 * 1_048_576);
  await compare("set", "largest", largest);
  await compare("set", "too-large", new Uint8Array(largest.length + 1));
  await compare("compareAndSwap", "absent", undefined, new Uint8Array(largest.length + 1));
  await compare("exists", "largest");
});

test("the scheme of memory: is case-insensitive, as in every URL", () => {
  const { url } = toSettings({ default: "MEMORY:" }).get("default") ?? {};
  expect(url).toBe("memory:");
});

test("instances with one host see the same memory, also through another identifier of the same bucket", async () => {
  const stores = { default: "memory:", same: { url: "Memory:", bucket: "default" }, other: "memory:" };
  await using started = await startGuest({ stores, mode: "sync" });
  const { guest, host } = started;
  guest.set("default", "k", bytes("1"));
  await host.open();
  expect(guest.get("same", "k")).toEqual(bytes("1"));
  expect(guest.get("other", "k")).toBeUndefined();
  await host.close();
  expect(await errorOf(() => guest.get("default", "k"))).toEqual({
    tag: "other",
    val: "closed: the host closed the store",
  });
});
