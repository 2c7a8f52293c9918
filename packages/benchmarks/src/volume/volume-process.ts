import { setTimeout as delay } from "node:timers/promises";
import type { Bucket, KeyValue } from "@manykv/core";
import { backends } from "../backends/index.js";
import { spread } from "../measure/statistics.js";
import { MemorySampler } from "./memory-sampler.js";
import type { VolumeResult, VolumeTask } from "./volume.js";

/** Run by `runVolume`. */
const timeout = 600_000;
const warmUpKeys = 20_000;
/** Values lie in pieces of this size, as they do when they come from a file or a socket. */
const pieceBytes = 65_536;

process.once("message", (task: VolumeTask) => {
  void run(task).then((results) => process.send?.(results));
});

async function run({ place, keys, bytes, calls }: VolumeTask): Promise<VolumeResult[]> {
  const store = backends[place.backend].openStore(place, timeout);
  await store.provision();
  await using sampler = new MemorySampler();
  const bucket = await store.open("volume");
  await warmUp(await store.open("warm-up"), bytes);
  const entries = makeEntries(keys, bytes);
  const size = Math.ceil(keys / calls);
  const batches = Array.from({ length: calls }, (_, call) => entries.slice(call * size, (call + 1) * size));
  const named = batches.map((batch) => batch.map(([key]) => key));
  const results: VolumeResult[] = [];
  for (const [operation, work] of operationsOn(bucket, batches, named)) {
    results.push({ operation, ...(await measure(sampler, calls, size, work)) });
  }
  await store.close();
  return results;
}

type Work = (call: number) => Promise<unknown>;

function operationsOn(
  bucket: Bucket,
  batches: readonly (readonly KeyValue[])[],
  named: readonly (readonly string[])[],
): [VolumeResult["operation"], Work][] {
  return [
    ["setMany", (call) => bucket.setMany(batches[call] ?? [])],
    ["getMany", (call) => bucket.getMany(named[call] ?? [])],
    ["deleteMany", (call) => bucket.deleteMany(named[call] ?? [])],
  ];
}

async function measure(
  sampler: MemorySampler,
  calls: number,
  size: number,
  work: Work,
): Promise<Omit<VolumeResult, "operation">> {
  await collectGarbage();
  const before = process.memoryUsage();
  sampler.reset();
  const times: number[] = [];
  let result: unknown;
  for (let call = 0; call < calls; call++) {
    const start = performance.now();
    result = await work(call);
    times.push((performance.now() - start) / size);
  }
  const growth = sampler.highest - before.rss;
  await collectGarbage();
  const after = process.memoryUsage();
  const kept = result === undefined ? 0 : inUse(after) - inUse(before);
  return { millisecondsPerKey: spread(times).median, growth, result: kept };
}

function inUse({ heapUsed, external }: NodeJS.MemoryUsage): number {
  return heapUsed + external;
}

async function warmUp(bucket: Bucket, bytes: number): Promise<void> {
  const entries = makeEntries(warmUpKeys, bytes);
  const keys = entries.map(([key]) => key);
  for (let round = 0; round < 3; round++) {
    await bucket.setMany(entries);
    await bucket.getMany(keys);
    await bucket.deleteMany(keys);
  }
}

function makeEntries(count: number, bytes: number): KeyValue[] {
  const entries: KeyValue[] = [];
  let piece = new Uint8Array(0);
  let used = 0;
  for (let index = 0; index < count; index++) {
    if (used + bytes > piece.length) {
      piece = new Uint8Array(Math.max(pieceBytes, bytes)).fill(index);
      used = 0;
    }
    entries.push([
      `user-${String((index * 2_654_435_761) % 2 ** 32).padStart(16, "0")}`,
      piece.subarray(used, used + bytes),
    ]);
    used += bytes;
  }
  return entries;
}

/** Freed memory goes back to the system only after a while. */
async function collectGarbage(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) {
    globalThis.gc?.();
    await delay(50);
  }
}
