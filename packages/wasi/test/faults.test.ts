import { startDedicatedRedis } from "@manykv/test-services";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { startGuest } from "./support/guest.js";
import { GuestThread, type Outcome } from "./support/guest-thread.js";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const storeModule = new URL("support/open-store.mjs", import.meta.url).href;

function redisEntry(url: string) {
  return { module: storeModule, argument: { name: "redis", url } };
}

test("if the server dies during a batch, the component gets an error by the deadline, and its next call works", async () => {
  await using server = await startDedicatedRedis();
  await using guest = await GuestThread.start({ stores: { default: redisEntry(server.url) }, timeout: 2_000 });
  expect(await guest.call("set", "default", "k", bytes("1"))).toEqual({ value: undefined });
  const control = new Redis(server.url);
  // The server holds the batch, and dies before it responds.
  await control.call("CLIENT", "PAUSE", "60000", "ALL");
  control.disconnect();
  const pairs = Array.from({ length: 100 }, (_, index) => [`k${index}`, bytes("1")]);
  const writing = guest.call("setMany", "default", pairs);
  await new Promise((resolve) => setTimeout(resolve, 300));
  await server.kill();
  const { error } = await writing;
  expect(error?.tag).toBe("other");
  expect(error?.val).toMatch(/^(timeout|connection-lost|unavailable): /);
  expect(error?.val).toMatch(/100 entries/);
  expect(error?.val).not.toContain("127.0.0.1");
  await server.restart();
  const settled = async (): Promise<Outcome> => {
    const outcome = await guest.call("set", "default", "k", bytes("2"));
    return outcome.error === undefined ? outcome : settled();
  };
  expect(await settled()).toEqual({ value: undefined });
});

test("1,000 keys in one get-many cost one command of Redis", async () => {
  await using server = await startDedicatedRedis();
  await using guest = await GuestThread.start({ stores: { default: redisEntry(server.url) } });
  const keys = Array.from({ length: 1_000 }, (_, index) => `key-${index}`);
  await guest.call(
    "setMany",
    "default",
    keys.map((key) => [key, bytes(key)]),
  );
  const control = new Redis(server.url);
  await control.config("RESETSTAT");
  const { value } = await guest.call("getMany", "default", keys);
  const stats = await control.info("commandstats");
  control.disconnect();
  expect(value).toEqual(keys.map((key) => [key, bytes(key)]));
  const calls = Array.from(stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm), ([, name, count]) => `${name} ${count}`);
  expect(calls.filter((call) => !/^(config|info)/.test(call))).toEqual(["mget 1"]);
});

test("a component gets an error without secrets for each of 10,000 failures of a store, and continues", async () => {
  const module = new URL("support/faulty-store.mjs", import.meta.url).href;
  await using started = await startGuest({ stores: { default: { module } }, timeout: 30 });
  const { guest } = started;
  const calls = [
    () => guest.get("default", "k"),
    () => guest.set("default", "k", bytes("1")),
    () => guest.delete("default", "k"),
    () => guest.exists("default", "k"),
    () => guest.listKeys("default", undefined),
    () => guest.increment("default", "k", 1n),
    () => guest.getMany("default", ["a", "b"]),
    () => guest.setMany("default", [["a", bytes("1")]]),
    () => guest.deleteMany("default", ["a", "b"]),
    () => guest.newCas("default", "k"),
  ];
  let errors = 0;
  for (let count = 0; errors < 10_000; count++) {
    try {
      await calls[count % calls.length]?.();
    } catch (error) {
      const payload = (error as { payload?: unknown }).payload ?? error;
      expect(payload).toEqual({ tag: "other", val: expect.stringMatching(/^[a-z-]+: /) });
      expect(JSON.stringify(payload)).not.toMatch(/hunter2|10\.0\.0/);
      errors++;
    }
  }
}, 300_000);

test("a result over the limit is an error", async () => {
  const entry = { module: storeModule, argument: { name: "memory" } };
  await using started = await startGuest({ stores: { default: entry }, maxResultBytes: 1_000 });
  const { guest } = started;
  await guest.setMany("default", [
    ["a", new Uint8Array(1_000)],
    ["b", new Uint8Array(1)],
  ]);
  expect((await guest.get("default", "a"))?.length).toBe(1_000);
  const both = async () => guest.getMany("default", ["a", "b"]);
  await expect(both()).rejects.toMatchObject({ tag: "other", val: expect.stringMatching(/^too-large: /) });
  expect((await guest.getMany("default", ["b"]))[0]?.[1]).toEqual(new Uint8Array(1));
});
