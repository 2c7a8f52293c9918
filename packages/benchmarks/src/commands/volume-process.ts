import { setTimeout } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { Bucket } from "@manykv/core";
import { spread } from "@manykv/measure";
import type { StoreAddress } from "../backends/backend.js";
import { backends } from "../backends/index.js";
import { type KeyAndValue, makeEntries } from "../measure/workload.js";

/** Task of a fresh process that `bench volume` starts. */
export interface VolumeTask {
  readonly address: StoreAddress;
  readonly keys: number;
  readonly bytes: number;
  /** Number of consecutive calls among which the keys are divided. */
  readonly calls: number;
}

export interface VolumeResult {
  readonly operation: "setMany" | "getMany" | "deleteMany";
  /** Milliseconds per key: the median of all calls. */
  readonly millisecondsPerKey: number;
  /** Largest growth of the process's resident memory during the calls, in bytes. */
  readonly growth: number;
  /**
   * Memory in use by the result of the last `getMany` call, in bytes, or 0 for other operations. The result belongs to
   * the caller, so it is not part of the memory that manykv needs.
   */
  readonly result: number;
}

const timeout = 600_000;
const warmUpKeys = 20_000;

process.once("message", (task: VolumeTask) => {
  void run(task).then((results) => process.send?.(results));
});

async function run({ address, keys, bytes, calls }: VolumeTask): Promise<VolumeResult[]> {
  const store = backends[address.backend].openStore(address, timeout);
  await store.provision();
  await using sampler = new MemorySampler();
  const bucket = await store.open("volume");
  await warmUp(await store.open("warm-up"), bytes);
  const entries = makeEntries(keys, bytes);
  const size = Math.ceil(keys / calls);
  const batches = Array.from({ length: calls }, (_, call) => entries.slice(call * size, (call + 1) * size));
  const names = batches.map((batch) => batch.map(([key]) => key));
  const results: VolumeResult[] = [];
  for (const [operation, work] of operationsOn(bucket, batches, names)) {
    results.push({ operation, ...(await measure(sampler, calls, size, work)) });
  }
  await store.close();
  return results;
}

type Work = (call: number) => Promise<unknown>;

function operationsOn(
  bucket: Bucket,
  batches: readonly (readonly KeyAndValue[])[],
  names: readonly (readonly string[])[],
): [VolumeResult["operation"], Work][] {
  return [
    ["setMany", (call) => bucket.setMany(batches[call] ?? [])],
    ["getMany", (call) => bucket.getMany(names[call] ?? [])],
    ["deleteMany", (call) => bucket.deleteMany(names[call] ?? [])],
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

/** Collects garbage several times, because V8 returns freed memory to the system with a delay. */
async function collectGarbage(): Promise<void> {
  for (let pass = 0; pass < 3; pass++) {
    globalThis.gc?.();
    await setTimeout(50);
  }
}

/** Samples the resident memory of the process in a separate thread, which a busy event loop does not delay. */
class MemorySampler implements AsyncDisposable {
  /** The highest value since `reset`, in KiB. */
  readonly #highest: Int32Array = new Int32Array(new SharedArrayBuffer(4));
  readonly #worker: Worker;

  constructor() {
    this.#worker = new Worker(
      `const { workerData } = require("node:worker_threads");
       setInterval(() => {
         const now = process.memoryUsage.rss() / 1024;
         if (now > Atomics.load(workerData, 0)) Atomics.store(workerData, 0, now);
       }, 2);`,
      { eval: true, workerData: this.#highest },
    );
  }

  reset(): void {
    Atomics.store(this.#highest, 0, process.memoryUsage.rss() / 1024);
  }

  /** The highest value since `reset`, in bytes. */
  get highest(): number {
    return Math.max(Atomics.load(this.#highest, 0) * 1024, process.memoryUsage.rss());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}
