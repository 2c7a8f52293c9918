import { afterAll, beforeAll, expect, test } from "vitest";
import { GuestThread } from "./support/guest-thread.js";
import { storeEntry } from "./support/stores.js";

/** Instances in their own threads, as of 16 programs. */
let guests: GuestThread[] = [];

beforeAll(async () => {
  const stores = { default: storeEntry("redis") };
  guests = await Promise.all(Array.from({ length: 16 }, () => GuestThread.start({ stores })));
});

afterAll(() => Promise.all(guests.map((guest) => guest[Symbol.asyncDispose]())));

test("16 instances that increment a counter 1,000 times each reach the exact sum", async () => {
  await Promise.all(guests.map((guest) => guest.run("increments", { key: "counter", count: 1_000 })));
  expect(await guests[0]?.call("increment", "default", "counter", 0n)).toEqual({ value: 16_000n });
}, 300_000);

test("answers of random sizes reach the calls that asked for them", async () => {
  const read = (guest: GuestThread, index: number) =>
    guest.run<number>("sizes", { prefix: `${index}-`, keys: 20, reads: 100, maxBytes: 60_000 });
  expect(await Promise.all(guests.map(read))).toEqual(Array(16).fill(0));
});
