import assert from "node:assert/strict";
import type { Bucket, Entry, Store } from "@manykv/core";
import fc from "fast-check";
import { deriveSeed } from "../faults/random.js";
import { randomName, randomSeed } from "../support/random-name.js";
import { leavesNoneUnhandled } from "../support/unhandled-rejections.js";
import { answerOf } from "./answer.js";
import { type DifferentialCall, differentialCalls, type KeyMaker } from "./operation.js";

/** Number of concurrent sequences, each on its own buckets. */
const lanes = 8;
/** Number of sequences per seed. */
const sequences = 5;

export interface DifferentialOptions {
  /** The store under test. */
  readonly subject: Store;
  /**
   * The store to compare with. Both must have the same limits. Lower them (`limits: { maxValueBytes: 2_000 }`), so that
   * the calls include sizes at and beyond the limits and thousands of them take seconds.
   */
  readonly reference: Store;
  /** Least number of calls to compare. Default 10,000. */
  readonly cases?: number;
  /** Replays a failure, which prints its seed. Default: a new seed each time. */
  readonly seed?: number;
}

export interface DifferentialResult {
  readonly cases: number;
  readonly seed: number;
}

/**
 * Makes the same random calls on two stores and compares values, outcomes and errors. Rejects with the shortest sequence
 * of calls that shows a difference.
 */
export async function differential(options: DifferentialOptions): Promise<DifferentialResult> {
  const { subject, reference, cases: wanted = 10_000, seed = randomSeed() } = options;
  const limits = await limitsOf(subject);
  assert.deepEqual(await limitsOf(reference), limits, "the two stores have the same limits");
  const calls = differentialCalls(limits);
  let done = 0;
  const property = fc.asyncProperty(calls, async (sequence) => {
    await compare(subject, reference, sequence);
    done += sequence.length;
  });
  const lane = async (_: unknown, index: number): Promise<void> => {
    for (let round = 0; done < wanted; round++)
      await fc.assert(property, { seed: deriveSeed(seed, `${index}/${round}`) | 0, numRuns: sequences });
  };
  try {
    await leavesNoneUnhandled(async () => {
      const settled = await Promise.allSettled(Array.from({ length: lanes }, lane));
      for (const result of settled) if (result.status === "rejected") throw result.reason;
    });
  } catch (error) {
    throw Object.assign(error as Error, {
      message: `${(error as Error).message}\n(differential seed ${seed})`,
    });
  }
  return { cases: done, seed };
}

async function limitsOf(store: Store): Promise<Bucket["limits"]> {
  return { ...(await store.open(randomName())).limits };
}

async function compare(subject: Store, reference: Store, sequence: readonly DifferentialCall[]): Promise<void> {
  const name = randomName();
  const names = [name, `${name}.b`] as const;
  try {
    for (const call of sequence) {
      const other = names[1 - call.bucket] as string;
      const [one, two] = [await subject.open(names[call.bucket]), await reference.open(names[call.bucket])];
      const [actual, expected] = await Promise.all(
        [one, two].map((bucket) => answerOf(() => run(bucket, call, other))),
      );
      assert.equal(actual, expected, `${call.method} returns something else than the reference`);
    }
    for (const each of names) {
      const [actual, expected] = await Promise.all(
        [subject, reference].map(async (store) => contents(await store.open(each))),
      );
      assert.deepEqual(actual, expected, "the bucket contains other entries than the reference's");
    }
  } finally {
    for (const store of [subject, reference]) for (const each of names) await clear(await store.open(each));
  }
}

function run(bucket: Bucket, call: DifferentialCall, other: string): Promise<unknown> {
  const text = (maker: KeyMaker): string => maker(other) as string;
  switch (call.method) {
    case "get":
    case "exists":
    case "delete":
      return bucket[call.method](text(call.key));
    case "set":
      return bucket.set(text(call.key), call.value as Uint8Array);
    case "getMany":
    case "deleteMany":
      return bucket[call.method](call.keys.map(text));
    case "setMany":
      return bucket.setMany(call.entries.map(([key, value]) => [text(key), value] as Entry));
    case "keys":
      return allKeys(bucket);
  }
}

async function contents(bucket: Bucket): Promise<string> {
  return answerOf(async () => bucket.getMany(await allKeys(bucket)));
}

async function clear(bucket: Bucket): Promise<void> {
  await bucket.deleteMany(await allKeys(bucket));
}

async function allKeys(bucket: Bucket): Promise<string[]> {
  const keys = new Set<string>();
  for await (const key of bucket.keys()) keys.add(key);
  return [...keys].sort();
}
