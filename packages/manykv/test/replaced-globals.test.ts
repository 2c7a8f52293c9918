import { Buffer } from "node:buffer";
import { runInNewContext } from "node:vm";
import { randomName } from "@manykv/test-services";
import { afterEach, expect, test, vi } from "vitest";
import { openStore } from "../src/index.js";
import { storeUrls } from "./support/stores.js";

afterEach(() => {
  vi.unstubAllGlobals();
});

// Test environments such as jsdom replace or lack these globals. The client libraries need them while they are loaded.
test.each(Object.entries({ memory: "memory:", ...storeUrls }))(
  "%s works if the global Uint8Array is that of another realm, and TextEncoder is missing",
  async (_, url) => {
    await using store = await openStore(url);
    await store.provision();
    const bucket = await store.open(randomName());
    await bucket.set("k", Buffer.from("value"));
    vi.stubGlobal("Uint8Array", runInNewContext("Uint8Array"));
    vi.stubGlobal("TextEncoder", undefined);
    await bucket.setMany([["k2", Buffer.from("second")]], { ttl: 60_000 });
    const [first, missing, again] = await bucket.getMany(["k", "none", "k"]);
    const counts = [await bucket.increment("n"), await bucket.increment("n", 41)];
    const swap = await bucket.compareAndSwap("k2", { expected: Buffer.from("second"), value: undefined });
    const refused = await bucket.set("k", Buffer.from("x"), { ifAbsent: true }).catch((error: unknown) => error);
    const keys: string[] = [];
    for await (const key of bucket.keys()) keys.push(key);
    await bucket.clear();
    vi.unstubAllGlobals();
    expect(Buffer.from(first?.[1] ?? []).toString()).toBe("value");
    expect([missing, counts, swap, keys.sort()]).toEqual([undefined, [1n, 42n], { swapped: true }, ["k", "n"]]);
    expect(again?.[1].buffer).not.toBe(first?.[1].buffer);
    expect(refused).toMatchObject({ code: "precondition-failed" });
  },
);
