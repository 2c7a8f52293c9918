import type { Bucket, CallOptions } from "@manykv/core";
import type { Driver, ReadAnswer } from "@manykv/core/driver";
import { wrapDriver } from "../../src/faults/wrap-driver.js";
import { belowCore, type CreateStore, changedBuckets, type Mutant, retold } from "./mutant.js";

/** Mutants that report failed reads as missing keys, or that handle timeouts or signals incorrectly. */
export const settlingMutants: readonly Mutant[] = [
  {
    name: "reports a key whose read failed as missing",
    rule: "S10",
    killedBy: "s10-truth-get-many",
    createStore: reads(({ values, faults = [] }) => ({
      values: values.map((value, index) => (faults.some((fault) => fault.index === index) ? undefined : value)),
    })),
  },
  {
    name: "reports an unprocessed key as missing",
    rule: "S10",
    killedBy: "s10-truth-get-many",
    createStore: reads(({ values, faults }) => ({ values, faults })),
  },
  {
    name: "reports the keys of a failed request as missing",
    rule: "S10",
    killedBy: "s10-truth-get-many",
    createStore: belowCore((driver, options) => [
      wrapDriver(driver, {
        get: (request) => driver.get(request).catch(() => ({ values: new Array(request.keys.length).fill(undefined) })),
      }),
      options,
    ]),
  },
  {
    name: "continues reading after a request has failed",
    rule: "S10",
    killedBy: "s10-failed-request-ends-the-call",
    createStore: changedBuckets((bucket) => ({
      getMany: async (keys, options) => {
        const all = [...keys];
        await Promise.allSettled(all.map((key) => bucket.getMany([key], options)));
        return bucket.getMany(all, options);
      },
    })),
  },
  {
    name: "reports that a key does not exist if it cannot be read",
    rule: "S10",
    killedBy: "s10-truth-exists",
    createStore: changedBuckets((bucket) => ({
      exists: (key, options) => bucket.exists(key, options).catch(() => false),
    })),
  },
  {
    name: "ends a listing at a page that cannot be read",
    rule: "S10",
    killedBy: "s10-truth-list-keys",
    createStore: changedBuckets((bucket) => ({
      listKeys: (options) => bucket.listKeys(options).catch(() => ({ keys: [] })),
    })),
  },
  {
    name: "does not check the number of values in an answer",
    rule: "S10",
    killedBy: "s10-answer-too-short",
    createStore: reads((answer, size) => ({
      ...answer,
      values: Array.from({ length: size }, (_, index) => answer.values[index]),
    })),
  },
  {
    name: "has no deadline",
    rule: "S11",
    killedBy: "s11-deadline-get-many",
    createStore: calls(withoutTimeout),
  },
  {
    name: "has no deadline for writes",
    rule: "S11",
    killedBy: "s11-deadline-set-many",
    createStore: calls(withoutTimeout),
  },
  {
    name: "ignores the store's timeout",
    rule: "S11",
    killedBy: "s11-default-timeout-of-the-store",
    createStore: belowCore((driver, { timeout: _, ...options }) => [driver, options]),
  },
  {
    name: "waits until the deadline of the call for a request without a response",
    rule: "S11",
    killedBy: "s11-silent-request-is-repeated",
    createStore: belowCore((driver, options) => [driver, { ...options, retry: { attempts: 1 } }]),
  },
  {
    name: "ignores the signal of the caller",
    rule: "S11",
    killedBy: "s11-cancel-get-many",
    createStore: calls(({ signal: _, ...rest }) => rest),
  },
  {
    name: "sends a request although the call was already cancelled",
    rule: "S11",
    killedBy: "s11-cancel-set-many",
    createStore: calls(({ signal, ...rest }) => (signal?.aborted ? rest : { signal, ...rest })),
  },
  {
    name: "reports cancelled keys as not-applied",
    rule: "S11",
    killedBy: "s11-cancel-set-many",
    createStore: changedBuckets((bucket) => ({
      setMany: (entries, options) => retold(bucket.setMany(entries, options), [...entries].length, () => "not-applied"),
    })),
  },
  {
    name: "reports unsent keys as unknown",
    rule: "S11",
    killedBy: "s11-not-sent-by-the-deadline",
    createStore: changedBuckets((bucket) => ({
      setMany: (entries, options) =>
        retold(bucket.setMany(entries, options), [...entries].length, (outcome) =>
          outcome === "not-applied" ? "unknown" : outcome,
        ),
    })),
  },
  {
    name: "does not remove its listeners from the caller's signal",
    rule: "S11",
    killedBy: "s11-cancelled-after",
    createStore: calls((options) => {
      options.signal?.addEventListener("abort", () => {});
      return options;
    }),
  },
  {
    name: "replaces an invalid timeout with the default",
    rule: "S11",
    killedBy: "s11-bad-options",
    createStore: calls(({ timeout, ...rest }) => (Number.isNaN(timeout) ? rest : { timeout, ...rest })),
  },
  {
    name: "replaces a timeout of 0 with the default",
    rule: "S11",
    killedBy: "s11-timeout-of-zero",
    createStore: calls(({ timeout, ...rest }) => (timeout === 0 ? rest : { timeout, ...rest })),
  },
  {
    name: "reports keys as missing if existsMany fails",
    rule: "S10",
    killedBy: "s10-truth-exists-many",
    createStore: changedBuckets((bucket) => ({
      existsMany: (keys, options) =>
        bucket.existsMany(keys, options).catch(() => new Array<boolean>([...keys].length).fill(false)),
    })),
  },
  {
    name: "reports keys as missing if ttlMany fails",
    rule: "S10",
    killedBy: "s10-truth-ttl-many",
    createStore: changedBuckets((bucket) => ({
      ttlMany: (keys, options) =>
        bucket.ttlMany(keys, options).catch(() => new Array<undefined>([...keys].length).fill(undefined)),
    })),
  },
];

function withoutTimeout(options: CallOptions): CallOptions {
  return { ...options, timeout: Number.POSITIVE_INFINITY };
}

type Values = ReadAnswer<Uint8Array<ArrayBuffer> | undefined>;

/** Returns a `createStore` function that wraps the driver and changes the answers of `get`. */
function reads(change: (answer: Values, size: number) => Values): CreateStore {
  return belowCore((driver: Driver, options) => [
    wrapDriver(driver, { get: async (request) => change(await driver.get(request), request.keys.length) }),
    options,
  ]);
}

/** Returns a `createStore` function whose buckets change the options of reads and batch calls. */
function calls(change: (options: CallOptions) => CallOptions): CreateStore {
  const one = (options: CallOptions | undefined): CallOptions | undefined =>
    typeof options === "object" ? change(options) : options;
  return changedBuckets((bucket: Bucket) => ({
    get: (key, options) => bucket.get(key, one(options)),
    exists: (key, options) => bucket.exists(key, one(options)),
    getMany: (keys, options) => bucket.getMany(keys, one(options)),
    setMany: (entries, options) => bucket.setMany(entries, one(options)),
    deleteMany: (keys, options) => bucket.deleteMany(keys, one(options)),
  }));
}
