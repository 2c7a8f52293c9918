import { setImmediate, setTimeout } from "node:timers/promises";
import { type Bucket, StoreError } from "@manykv/core";
import type { StoreAddress } from "../backends/backend.js";
import { backends } from "../backends/index.js";
import { OPERATIONS, type Operation } from "../measure/contender.js";
import { MainThreadClock, processCpu } from "../measure/cpu.js";
import { type KeyAndValue, makeEntries } from "../measure/workload.js";

/** Task of a fresh process that `bench loop` starts. */
export interface LoopTask {
  readonly address: StoreAddress;
  readonly keys: number;
  readonly bytes: number;
  /** Number of times to set, read and delete the keys. The first time, V8 has not compiled the hot code yet. */
  readonly repetitions: number;
  /** Number of entries in the `setMany` call that times out. */
  readonly timeoutKeys: number;
  readonly timeout: number;
}

export interface LoopResult {
  /** The longest event-loop block of each repetition, by operation, in milliseconds of CPU time. */
  readonly blocks: { readonly [operation in Operation]: readonly number[] };
  /** Milliseconds that each single `get` call took during the large calls, by the operation of the large call. */
  readonly gets: { readonly [operation in Operation]: readonly number[] };
  readonly settled: {
    /** Milliseconds of CPU time until the call settled: of all threads, and of the main thread alone. */
    readonly cpu: number;
    readonly mainThread: number;
    readonly elapsed: number;
    /** The code of the error that the call rejected with, or `none` if it resolved. `timeout` is expected. */
    readonly code: string;
  };
}

const storeTimeout = 600_000;
/** Pause between two single `get` calls, in milliseconds. */
const pause = 2;

process.once("message", (task: LoopTask) => {
  void run(task).then((result) => process.send?.(result));
});

async function run({ address, keys, bytes, repetitions, timeoutKeys, timeout }: LoopTask): Promise<LoopResult> {
  const store = backends[address.backend].openStore(address, storeTimeout);
  await store.provision();
  const bucket = await store.open("loop");
  await bucket.set("single", new Uint8Array(bytes));
  const blocks = { set: [] as number[], get: [] as number[], delete: [] as number[] };
  const gets = { set: [] as number[], get: [] as number[], delete: [] as number[] };
  {
    const entries = makeEntries(keys, bytes);
    const names = entries.map(([key]) => key);
    const work = {
      set: () => bucket.setMany(entries),
      get: () => bucket.getMany(names),
      delete: () => bucket.deleteMany(names),
    };
    for (let repetition = 0; repetition < repetitions; repetition++) {
      for (const operation of OPERATIONS) {
        const { block, times } = await watch(bucket, work[operation]);
        blocks[operation].push(block);
        gets[operation].push(...times);
      }
    }
  }
  const settled = await settle(bucket, makeEntries(timeoutKeys, bytes), timeout);
  await removeAll(bucket);
  await store.close();
  return { blocks, gets, settled };
}

/**
 * Runs `work` and, at the same time, makes single calls on the same store. Returns the CPU time of the longest turn of
 * the event loop and the elapsed times of the single calls, in milliseconds.
 */
async function watch(bucket: Bucket, work: () => Promise<unknown>): Promise<{ block: number; times: number[] }> {
  const clock = new MainThreadClock();
  const times: number[] = [];
  let done = false;
  let block = 0;
  const turns = async (): Promise<void> => {
    while (!done) {
      await setImmediate();
      block = Math.max(block, clock.lap());
    }
  };
  const singles = async (): Promise<void> => {
    while (!done) {
      const start = performance.now();
      await bucket.get("single");
      if (!done) times.push(performance.now() - start);
      await setTimeout(pause);
    }
  };
  await setImmediate();
  clock.lap();
  const turning = turns();
  const getting = singles();
  await work();
  // The turn in which the call settles counts too.
  await setImmediate();
  done = true;
  await Promise.all([turning, getting]);
  return { block, times };
}

async function settle(
  bucket: Bucket,
  entries: readonly KeyAndValue[],
  timeout: number,
): Promise<LoopResult["settled"]> {
  await setTimeout(500);
  const start = performance.now();
  const cpu = processCpu();
  const clock = new MainThreadClock();
  const code = await bucket.setMany(entries, { timeout }).then(
    () => "none",
    (error: unknown) => (StoreError.is(error) ? error.code : String(error)),
  );
  return { cpu: processCpu() - cpu, mainThread: clock.lap(), elapsed: performance.now() - start, code };
}

async function removeAll(bucket: Bucket): Promise<void> {
  let cursor: string | undefined;
  do {
    const page = await bucket.listKeys(cursor === undefined ? {} : { cursor });
    await bucket.deleteMany(page.keys);
    cursor = page.cursor;
  } while (cursor !== undefined);
}
