import { startDedicatedRedis } from "@manykv/test-services";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { redisStore } from "../src/index.js";
import { bytes } from "./support/bytes.js";

test("each call takes one round trip and one command", async () => {
  await using server = await startDedicatedRedis();
  await using store = redisStore({ url: server.url });
  const admin = new Redis(server.url);
  const bucket = await store.open("bucket");
  const keys = Array.from({ length: 200 }, (_, index) => `key${index}`);
  // Opens the connection.
  await bucket.get("key");

  const stats = async (): Promise<{ reads: number; calls: (command: string) => number }> => {
    const reads = Number(/total_reads_processed:(\d+)/.exec(await admin.info("stats"))?.[1]);
    const commands = await admin.info("commandstats");
    const calls = (command: string): number =>
      Number(new RegExp(`^cmdstat_${command}:calls=(\\d+)`, "m").exec(commands)?.[1] ?? 0);
    return { reads, calls };
  };
  const batches: [command: string, batch: () => Promise<unknown>, commands: number][] = [
    ["mset", () => bucket.setMany(keys.map((key) => [key, bytes(key)])), 1],
    ["mget", () => bucket.getMany(keys), 1],
    ["del", () => bucket.deleteMany(keys), 1],
    ["set", () => bucket.set("key", bytes("value")), 1],
    ["get", () => bucket.get("key"), 1],
    ["exists", () => bucket.exists("key"), 1],
    ["scan", () => bucket.listKeys(), 1],
    ["del", () => bucket.delete("key"), 1],
  ];
  for (const [command, batch, commands] of batches) {
    const before = await stats();
    await batch();
    const after = await stats();
    // Two INFO commands between the two measurements are reads too.
    expect(after.reads - before.reads - 2, command).toBe(1);
    expect(after.calls(command) - before.calls(command), command).toBe(commands);
  }
  admin.disconnect();
});
