import assert from "node:assert/strict";
import type { Abilities, Bucket, Entry, Store } from "@manykv/core";
import { deriveSeed } from "../faults/random.js";
import { checkProperty } from "../support/check-property.js";
import { clearTimeout, keysIn } from "../support/listed.js";
import { randomName, randomSeed } from "../support/random-name.js";
import { leavesNoneUnhandled } from "../support/unhandled-rejections.js";
import { answerOf } from "./answer.js";
import { type DifferentialCall, describeCall, differentialCalls, type KeyMaker } from "./operation.js";

/** Number of call sequences that run concurrently, each on its own buckets. */
const lanes = 8;
/** Number of call sequences that one derived seed produces. */
const sequences = 5;

/** Options of `differential`. */
export interface DifferentialOptions {
  /** The store under test. */
  readonly subject: Store;
  /**
   * The store to compare with. Both stores must have the same limits. Set low limits, such as a `maxValueBytes` of
   * 2,000, so that thousands of calls take only seconds. Values at and above the limit are tested only if
   * `maxValueBytes` is at most 1,000,000.
   */
  readonly reference: Store;
  /** Minimum number of calls to compare. Default 10,000. */
  readonly cases?: number;
  /**
   * Seed of the random calls. To replay a failure, pass the seed from the failure message. Default: a new seed for each
   * run.
   */
  readonly seed?: number;
}

/** The result of a `differential` run that found no difference. */
export interface DifferentialResult {
  /** Number of compared calls. Not less than the value of the `cases` option. */
  readonly cases: number;
  /** Seed of the random calls: the `seed` option, or a new seed if the option is absent. */
  readonly seed: number;
}

/**
 * Makes the same random calls on two stores and compares values, outcomes and errors. If the stores differ, rejects
 * with an error that contains the seed and a short sequence of calls that shows the difference.
 */
export async function differential(options: DifferentialOptions): Promise<DifferentialResult> {
  const { subject, reference, cases: wanted = 10_000, seed = randomSeed() } = options;
  const limits = await limitsOf(subject);
  assert.deepEqual(await limitsOf(reference), limits, "the two stores must have the same limits");
  const calls = differentialCalls(limits, await commonAbilities(subject, reference));
  let done = 0;
  const check = async (sequence: readonly DifferentialCall[]): Promise<void> => {
    await compare(subject, reference, sequence);
    done += sequence.length;
  };
  const describe = (sequence: readonly DifferentialCall[]): string[] => sequence.map(describeCall);
  const lane = async (_: unknown, index: number): Promise<void> => {
    for (let round = 0; done < wanted; round++) {
      const runs = { seed: deriveSeed(seed, `${index}/${round}`), runs: sequences };
      const counterexample = await checkProperty(calls, check, describe, runs);
      if (counterexample !== undefined) throw counterexample.error;
    }
  };
  try {
    await leavesNoneUnhandled(async () => {
      const settled = await Promise.allSettled(Array.from({ length: lanes }, lane));
      for (const result of settled) if (result.status === "rejected") throw result.reason;
    });
  } catch (error) {
    throw Object.assign(error as Error, {
      message: `${(error as Error).message}\n(differential seed ${seed}: pass it as \`seed\` to replay the failure)`,
    });
  }
  return { cases: done, seed };
}

async function limitsOf(store: Store): Promise<Bucket["limits"]> {
  return { ...(await store.open(randomName())).limits };
}

/** Returns the abilities that both stores have. */
async function commonAbilities(subject: Store, reference: Store): Promise<Abilities> {
  const [one, two] = [(await subject.describe()).abilities, (await reference.describe()).abilities];
  return {
    settlesLostWrites: undefined,
    ttl: one.ttl && two.ttl,
    ifAbsent: one.ifAbsent && two.ifAbsent,
    increment: one.increment && two.increment,
    compareAndSwap: one.compareAndSwap && two.compareAndSwap,
    buckets: one.buckets && two.buckets,
  };
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
      assert.equal(actual, expected, `${call.method} must return the same result as on the reference store`);
    }
    for (const each of names) {
      const [actual, expected] = await Promise.all(
        [subject, reference].map(async (store) => contents(await store.open(each))),
      );
      assert.deepEqual(
        actual,
        expected,
        "the bucket must contain the same entries as the bucket of the reference store",
      );
    }
  } finally {
    for (const store of [subject, reference]) for (const each of names) await clear(await store.open(each));
  }
}

async function run(bucket: Bucket, call: DifferentialCall, other: string): Promise<unknown> {
  const text = (maker: KeyMaker): string => maker(other) as string;
  switch (call.method) {
    case "get":
    case "exists":
    case "delete":
      return bucket[call.method](text(call.key));
    case "set":
      return bucket.set(text(call.key), call.value as Uint8Array, call.options);
    case "getMany":
    case "getMap":
    case "existsMany":
    case "deleteMany":
      return bucket[call.method](call.keys.map(text));
    case "ttlMany": {
      const left = await bucket.ttlMany(call.keys.map(text));
      return left.map((one) => (typeof one === "number" ? "expires" : one));
    }
    case "setMany": {
      const entries = call.entries.map(([key, value]) => [text(key), value] as Entry);
      return bucket.setMany(entries, call.options);
    }
    case "increment":
      return bucket.increment(text(call.key), call.delta);
    case "compareAndSwap": {
      const { value } = call;
      const expected = call.expected === "current" ? await bucket.get(text(call.key)) : call.expected;
      return bucket.compareAndSwap(text(call.key), { expected, value });
    }
    case "keys":
      return keysIn(bucket, text(call.prefix));
    case "clear":
      return bucket.clear({ prefix: text(call.prefix), timeout: clearTimeout });
  }
}

async function contents(bucket: Bucket): Promise<string> {
  return answerOf(async () => bucket.getMany(await keysIn(bucket)));
}

async function clear(bucket: Bucket): Promise<void> {
  await bucket.clear({ timeout: clearTimeout });
}
