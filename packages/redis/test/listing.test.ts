import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import type { Bucket } from "@manykv/core";
import { randomName, startDedicatedRedis } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { checksum, slotOfKey } from "../src/cluster/key-slot.js";
import { redisStore } from "../src/index.js";
import { bucketPrefix } from "../src/key-names.js";
import { bytes } from "./support/bytes.js";
import type { AdminNode } from "./support/cluster-admin.js";
import { ownCluster } from "./support/own-cluster.js";
import { rejection } from "./support/rejection.js";

const nothing = new Uint8Array(0);

/** Returns the keys of all pages. Calls `between` after each page except the last. */
async function listAll(bucket: Bucket, between: (page: number) => Promise<void>, start?: string): Promise<Set<string>> {
  const listed = new Set<string>();
  let cursor = start;
  for (let page = 1; ; page++) {
    const answer = await bucket.listKeys({ cursor, timeout: 30_000 });
    for (const key of answer.keys) listed.add(key);
    cursor = answer.cursor;
    if (cursor === undefined) return listed;
    if (page > 500) throw new Error("the listing must end within 501 pages");
    await between(page);
  }
}

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `key${index}`);
}

describe("one server", () => {
  test("lists only keys of this bucket if the database also contains other names", async () => {
    const name = randomName();
    await using store = redisStore({ url: serviceUrl("redis") });
    const redis = new Redis(serviceUrl("redis"));
    const keys = ["", "a", "{x}", "*?[a]\\", "é\0😀", "漢".repeat(341)];
    const bucket = await store.open(name);
    await bucket.setMany(keys.map((key) => [key, nothing]));
    const foreign = [
      Buffer.from(`{}${name}:\xff\xfe`, "latin1"),
      Buffer.concat([Buffer.from(`{}${name}:`), Buffer.from([0xed, 0xa0, 0x80])]),
      Buffer.from(`{}${name}:${"x".repeat(1_025)}`),
      Buffer.from(`{}${name}`),
      Buffer.from(`{}${name}x:key`),
      Buffer.from(`${name}:key`),
    ];
    for (const each of foreign) await redis.set(each, "foreign");
    expect((await listAll(bucket, async () => {})).size).toBe(keys.length);
    expect([...(await listAll(bucket, async () => {}))].sort()).toEqual([...keys].sort());
    await redis.del(...foreign);
    await bucket.deleteMany(keys);
    redis.disconnect();
  });

  test("starts over when the server restarts, and misses nothing", async () => {
    await using redis = await startDedicatedRedis({ durable: true });
    await using store = redisStore({ url: redis.url });
    const bucket = await store.open("bucket");
    const keys = numbered(8_000);
    await bucket.setMany(keys.map((key) => [key, nothing]));
    const listed = await listAll(bucket, async (page) => {
      if (page === 2 || page === 5) await redis.restart();
    });
    expect(listed.size).toBe(keys.length);
  });

  test("lists all permanent keys while the database grows and shrinks", async () => {
    await using store = redisStore({ url: serviceUrl("redis") });
    const bucket = await store.open(randomName());
    const staying = numbered(5_000);
    await bucket.setMany(staying.map((key) => [key, nothing]));
    const passing = Array.from({ length: 20_000 }, (_, index) => `passing${index}`);
    const listed = await listAll(bucket, async (page) => {
      if (page === 1) await bucket.setMany(passing.map((key) => [key, nothing]));
      if (page === 3) await bucket.deleteMany(passing);
    });
    expect(staying.filter((key) => !listed.has(key))).toEqual([]);
    await bucket.deleteMany(staying);
  });

  test("never uses KEYS", async () => {
    await using redis = await startDedicatedRedis();
    await using store = redisStore({ url: redis.url });
    const bucket = await store.open("bucket");
    await bucket.setMany(numbered(3_000).map((key) => [key, nothing]));
    await listAll(bucket, async () => {});
    const admin = new Redis(redis.url);
    expect(await admin.info("commandstats")).not.toMatch(/cmdstat_keys/);
    admin.disconnect();
  });
});

describe("a cursor that listKeys did not return", () => {
  const encode = (state: unknown) => Buffer.from(JSON.stringify(state)).toString("base64url");
  const bucketName = "cursors";
  const node = { id: "a".repeat(40) };
  const own = { bucket: bucketName, restarts: 0 };
  const garbage = [
    "",
    "0",
    "1234",
    "!!!",
    "after:key",
    encode(null),
    encode([]),
    encode("text"),
    encode({}),
    encode({ bucket: "other", cursor: "0" }),
    encode(own),
    encode({ ...own, restarts: -1, cursor: "1" }),
    encode({ ...own, restarts: "0", cursor: "1" }),
    encode({ ...own, cursor: 5 }),
    encode({ ...own, cursor: "-1" }),
    encode({ ...own, cursor: "1 COUNT 5" }),
    encode({ ...own, cursor: "0", process: "a b" }),
    encode({ ...own, open: "0-16384", arrivals: [] }),
    encode({ ...own, open: "5-1", arrivals: [] }),
    encode({ ...own, open: "", arrivals: [{ ...node, slots: "x" }] }),
    encode({ ...own, open: "", arrivals: [{ id: 5 }] }),
    encode({ ...own, open: "", arrivals: {} }),
    encode({ ...own, open: "", arrivals: [], scan: 5 }),
    encode({ ...own, open: "", arrivals: [], scan: { ...node, cursor: "x" } }),
  ];
  for (const service of ["redis", "redis-cluster"] as const) {
    test(`is rejected on ${service}`, async () => {
      await using store = redisStore({ url: serviceUrl(service) });
      const bucket = await store.open(bucketName);
      for (const cursor of garbage) {
        const error = await rejection(bucket.listKeys({ cursor }));
        expect(error, cursor).toMatchObject({ code: "invalid-argument", retryable: false });
      }
    });
  }

  test("never makes a cluster store connect to a server outside the cluster", async () => {
    let strangers = 0;
    const stranger = createServer((socket) => {
      strangers++;
      socket.destroy();
    }).listen(0, "127.0.0.1");
    await once(stranger, "listening");
    const { port } = stranger.address() as AddressInfo;
    await using store = redisStore({ url: serviceUrl("redis-cluster") });
    const bucket = await store.open(randomName());
    const keys = numbered(100);
    await bucket.setMany(keys.map((key) => [key, nothing]));
    const forged = { ...node, address: { host: "127.0.0.1", port } };
    const scan = { ...forged, process: "p", cursor: "0", owned: "0", leaving: "", arrived: "" };
    const whole = { bucket: bucket.name, stuck: "", restarts: 0 };
    const states = [
      { ...whole, open: "0-16383", arrivals: [], scan },
      { ...whole, open: "", arrivals: [{ ...forged, from: "b".repeat(40), slots: "0-16383" }] },
    ];
    for (const state of states) {
      const listed = await listAll(bucket, async () => {}, encode(state));
      expect([...listed].sort()).toEqual([...keys].sort());
    }
    expect(strangers).toBe(0);
    await bucket.deleteMany(keys);
    stranger.close();
  });
});

describe("a cluster", () => {
  const own = ownCluster();

  /** Writes `count` keys to a new bucket. Returns the bucket, the keys, and their slots in the same order. */
  async function bucketOfSlots(count: number): Promise<{ bucket: Bucket; keys: string[]; slots: number[] }> {
    const bucket = await own.store.open(randomName());
    const start = checksum(Buffer.from(bucketPrefix(bucket.name)));
    const keys = numbered(count);
    await bucket.setMany(keys.map((key) => [key, bytes(key)]));
    return { bucket, keys, slots: keys.map((key) => slotOfKey(start, key)) };
  }

  test("lists the keys of all masters", async () => {
    const { bucket, keys } = await bucketOfSlots(10_000);
    expect((await listAll(bucket, async () => {})).size).toBe(keys.length);
  });

  test.each([
    ["if all moves end immediately", () => true],
    ["if all moves end after the listing", () => false],
    ["if some moves end immediately and some after the listing", (slot: number) => slot % 2 === 0],
  ])("lists keys that move between masters during the listing, %s", async (_, endsAtOnce) => {
    const { bucket, keys, slots } = await bucketOfSlots(6_000);
    const masters = await own.admin.masters();
    const ownerOf = await own.admin.owners();
    const unmoved = new Map(masters.map((master) => [master, [] as number[]]));
    for (const slot of new Set(slots)) unmoved.get(ownerOf(slot))?.push(slot);
    // After each page, slots move from every master to another one, so the order of the scans does not matter.
    const open: [slot: number, to: AdminNode][] = [];
    const listed = await listAll(bucket, async (page) => {
      if (page < 2 || page > 6) return;
      for (const [index, master] of masters.entries()) {
        const target = masters[(index + 1 + (page % 2)) % masters.length];
        if (target === undefined) continue;
        // Move one slot after the other, because two nodes that send each other keys block each other.
        for (const slot of unmoved.get(master)?.splice(0, 12) ?? []) {
          await own.admin.beginMove(slot, master, target);
          while ((await own.admin.moveKeys(slot, master, target, 10)) > 0);
          if (endsAtOnce(slot)) await own.admin.endMove(slot, target);
          else open.push([slot, target]);
        }
      }
    });
    expect(keys.filter((key) => !listed.has(key))).toEqual([]);
    for (const [slot, target] of open) await own.admin.endMove(slot, target);
    expect((await listAll(bucket, async () => {})).size).toBe(keys.length);
    await bucket.deleteMany(keys);
  });

  test("misses nothing when masters change during the listing", async () => {
    const { bucket, keys } = await bucketOfSlots(6_000);
    const listed = await listAll(bucket, async (page) => {
      if (page !== 2 && page !== 4) return;
      const [replica] = await own.admin.replicas();
      if (replica !== undefined) await own.admin.promote(replica);
    });
    expect(keys.filter((key) => !listed.has(key))).toEqual([]);
  });

  test("misses nothing when a master dies during the listing", async () => {
    const { bucket, keys } = await bucketOfSlots(6_000);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const [master] = await own.admin.masters();
    const node = own.cluster.nodes.find(({ port }) => port === master?.port);
    const listed = await listAll(bucket, async (page) => {
      if (page === 2) await node?.kill();
    });
    expect(keys.filter((key) => !listed.has(key))).toEqual([]);
    await node?.restart();
  });
});
