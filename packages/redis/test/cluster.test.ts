import { setTimeout as pause } from "node:timers/promises";
import type { Bucket } from "@manykv/core";
import { randomName } from "@manykv/test-services";
import { Cluster } from "ioredis";
import { describe, expect, test } from "vitest";
import { checksum, slotOfKey } from "../src/cluster/key-slot.js";
import { redisStore } from "../src/index.js";
import { bucketPrefix } from "../src/key-names.js";
import { bytes, text } from "./support/bytes.js";
import { ownCluster } from "./support/own-cluster.js";

const served = ownCluster();

/** Returns a slot and `count` keys whose Redis names are all in this slot. */
async function keysOfOneSlot(bucket: string, count: number): Promise<[slot: number, keys: string[]]> {
  const start = checksum(Buffer.from(bucketPrefix(bucket)));
  const slot = slotOfKey(start, "k0");
  const keys = ["k0"];
  for (let index = 1; keys.length < count; index++) {
    if (slotOfKey(start, `k${index}`) === slot) keys.push(`k${index}`);
  }
  return [slot, keys];
}

async function expectAll(bucket: Bucket, keys: readonly string[], expected: (key: string) => string | undefined) {
  const answers = await bucket.getMany(keys);
  expect(answers.map((answer) => text(answer?.[1]))).toEqual(keys.map(expected));
}

test("computes the same slot as the server for any name, with or without braces", async () => {
  const buckets = ["b", "a.b-c_d", "X".repeat(64)];
  const keys = ["", "k", "{}", "{x}", "{user}.1", "}{", "}", "{", "é{x}", "\0", "😀{😀}", "漢".repeat(300), "a:b"];
  for (const bucket of buckets) {
    const start = checksum(Buffer.from(bucketPrefix(bucket)));
    for (const key of keys) {
      const name = `{}${bucket}:${key}`;
      expect(slotOfKey(start, key), name).toBe(await served.admin.slotOf(name));
    }
  }
});

test("does not use a hash tag in a key to select the slot", () => {
  const start = checksum(Buffer.from(bucketPrefix("b")));
  const slots = new Set(Array.from({ length: 1_000 }, (_, index) => slotOfKey(start, `{tag}${index}`)));
  expect(slots.size).toBeGreaterThan(900);
});

describe("round trips", () => {
  test("each batch takes one round trip per master", async () => {
    const bucket = await served.store.open(randomName());
    const keys = Array.from({ length: 60 }, (_, index) => `key${index}`);
    await bucket.getMany(keys);
    const batches: (() => Promise<unknown>)[] = [
      () => bucket.setMany(keys.map((key) => [key, bytes(key)])),
      () => bucket.getMany(keys),
      () => bucket.deleteMany(keys),
    ];
    const masters = await served.admin.masters();
    expect(masters).toHaveLength(3);
    const reads = (): Promise<number[]> => Promise.all(masters.map((node) => served.admin.reads(node)));
    for (const batch of batches) {
      let fewest = masters.map(() => Number.POSITIVE_INFINITY);
      // Each replica sends an acknowledgement once per second, which adds a read. So take the minimum of several tries.
      for (let attempt = 0; attempt < 5; attempt++) {
        const before = await reads();
        await batch();
        const after = await reads();
        // The INFO command itself is one read.
        fewest = fewest.map((few, index) => Math.min(few, (after[index] ?? 0) - (before[index] ?? 0) - 1));
      }
      expect(fewest).toEqual([1, 1, 1]);
    }
  });

  test("the store never reads from replicas, even if the client prefers them", async () => {
    const client = new Cluster(
      served.cluster.nodes.map(({ host, port }) => ({ host, port })),
      { scaleReads: "slave" },
    );
    await using own = redisStore({ client });
    const bucket = await own.open(randomName());
    const replicas = await served.admin.replicas();
    expect(replicas).toHaveLength(3);
    const keys = Array.from({ length: 100 }, (_, index) => `key${index}`);
    const gets = async () => Promise.all(replicas.map((node) => served.admin.calls(node, "get")));
    const before = await gets();
    for (let round = 0; round < 20; round++) {
      await bucket.setMany(keys.map((key) => [key, bytes(`${round}`)]));
      await expectAll(bucket, keys, () => `${round}`);
    }
    expect(await gets()).toEqual(before);
    expect(client.status).toBe("ready");
    client.disconnect();
  });
});

describe("a slot that moves to another master", () => {
  test("every batch works at each stage of the move", async () => {
    const bucket = await served.store.open(randomName());
    const [slot, keys] = await keysOfOneSlot(bucket.name, 12);
    const others = Array.from({ length: 50 }, (_, index) => `other${index}`);
    const all = [...keys, ...others];
    const from = await served.admin.ownerOf(slot);
    const to = (await served.admin.masters()).find((node) => node !== from);
    if (to === undefined) throw new Error("the cluster has only one master, but the test needs two");
    await bucket.setMany(all.map((key) => [key, bytes(`first ${key}`)]));

    await served.admin.beginMove(slot, from, to);
    await served.admin.moveKeys(slot, from, to, 6);
    await expectAll(bucket, all, (key) => `first ${key}`);
    await bucket.setMany(all.map((key) => [key, bytes(`second ${key}`)]));
    await expectAll(bucket, all, (key) => `second ${key}`);
    expect(await bucket.exists(keys[11] ?? "")).toBe(true);
    await bucket.deleteMany(keys.slice(0, 3));
    await expectAll(bucket, keys, (key) => (keys.indexOf(key) < 3 ? undefined : `second ${key}`));

    while ((await served.admin.moveKeys(slot, from, to, 10)) > 0);
    await served.admin.endMove(slot, to);
    await expectAll(bucket, keys, (key) => (keys.indexOf(key) < 3 ? undefined : `second ${key}`));
    await bucket.setMany(all.map((key) => [key, bytes(`third ${key}`)]));
    await expectAll(bucket, all, (key) => `third ${key}`);
    // Wait until the store has loaded a new slot map. Then no command is redirected.
    await pause(300);
    const redirections = async () => /errorstat_MOVED:count=(\d+)/.exec(await from.redis.info("errorstats"))?.[1];
    const before = await redirections();
    await expectAll(bucket, all, (key) => `third ${key}`);
    expect(await redirections()).toBe(before);
    await served.admin.move(slot, to, from);
  });

  test("no batch fails or reads stale data while many slots move", async () => {
    const bucket = await served.store.open(randomName());
    const keys = Array.from({ length: 300 }, (_, index) => `key${index}`);
    const start = checksum(Buffer.from(bucketPrefix(bucket.name)));
    const slots = [...new Set(keys.map((key) => slotOfKey(start, key)))].slice(0, 40);
    let moving = true;
    const moves = (async () => {
      for (const slot of slots) {
        const from = await served.admin.ownerOf(slot);
        const masters = await served.admin.masters();
        const to = masters[(masters.indexOf(from) + 1) % masters.length];
        if (to !== undefined) await served.admin.move(slot, from, to);
      }
      moving = false;
    })();
    let round = 0;
    while (moving) {
      round++;
      await bucket.setMany(keys.map((key) => [key, bytes(`${key} ${round}`)]));
      await expectAll(bucket, keys, (key) => `${key} ${round}`);
    }
    await moves;
    expect(round).toBeGreaterThan(1);
    await bucket.deleteMany(keys);
    await expectAll(bucket, keys, () => undefined);
  });
});

describe("a failover", () => {
  test("that an operator requests makes no batch fail and loses no data", async () => {
    const bucket = await served.store.open(randomName());
    const keys = Array.from({ length: 300 }, (_, index) => `key${index}`);
    for (let failover = 0; failover < 3; failover++) {
      const [replica] = await served.admin.replicas();
      if (replica === undefined) throw new Error("the cluster has no replica, but the test needs one");
      let over = false;
      const promoted = (async () => {
        await served.admin.promote(replica);
        over = true;
      })();
      for (let round = 0; !over || round < 3; round++) {
        await bucket.setMany(keys.map((key) => [key, bytes(`${key} ${failover} ${round}`)]));
        await expectAll(bucket, keys, (key) => `${key} ${failover} ${round}`);
      }
      await promoted;
    }
  });

  test("after the crash of a master makes calls wait for its replica and succeed", async () => {
    const bucket = await served.store.open(randomName());
    const keys = Array.from({ length: 300 }, (_, index) => `key${index}`);
    await bucket.setMany(keys.map((key) => [key, bytes("before")]));
    await pause(300);
    const [master] = await served.admin.masters();
    const node = served.cluster.nodes.find(({ port }) => port === master?.port);
    await node?.kill();
    await bucket.setMany(
      keys.map((key) => [key, bytes("after")]),
      { timeout: 30_000 },
    );
    await expectAll(bucket, keys, () => "after");
    await node?.restart();
    await expectAll(bucket, keys, () => "after");
  });
});
