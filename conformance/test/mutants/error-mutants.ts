import type { Bucket } from "@manykv/core";
import { StoreError } from "@manykv/core";
import type { Driver } from "@manykv/core/driver";
import { wrapDriver } from "../../src/faults/wrap-driver.js";
import { referenceDriver } from "../reference-driver.js";
import { belowCore, type CreateStore, changedBuckets, type Mutant } from "./mutant.js";

/** Mutants whose errors reveal too much or too little, or whose driver breaks the driver interface. */
export const errorMutants: readonly Mutant[] = [
  {
    name: "includes the key in its error messages",
    rule: "errors",
    killedBy: "errors-no-leak-of-bad-input",
    createStore: changedBuckets((bucket) => ({
      get: (key, options) =>
        bucket.get(key, options).catch((error: StoreError) => {
          throw new StoreError(error.code, `${error.message} (key ${key})`);
        }),
    })),
  },
  {
    name: "attaches the value to its errors as bytes",
    rule: "errors",
    killedBy: "errors-no-leak-of-bad-input",
    createStore: changedBuckets((bucket) => ({
      set: (key, value, options) =>
        bucket.set(key, value, options).catch((error: unknown) => {
          throw Object.assign(error as Error, { value });
        }),
    })),
  },
  {
    name: "exposes the engine's error as the cause",
    rule: "errors",
    killedBy: "errors-no-leak-get",
    createStore: withCause(),
  },
  {
    name: "exposes the engine's text as the reason",
    rule: "driver",
    killedBy: "driver-classify-shows-nothing",
    driver: (data) =>
      wrapDriver(referenceDriver(data), {
        classify: (error) => ({ code: "internal", retryable: false, effect: "none", reason: String(error) }),
      }),
  },
  {
    name: "omits the engine's own code from its errors",
    rule: "errors",
    killedBy: "errors-reason",
    createStore: changedBuckets((bucket) => ({
      get: (key, options) =>
        bucket.get(key, options).catch((error: StoreError) => {
          throw new StoreError(error.code, error.message, { retryable: error.retryable });
        }),
    })),
  },
  {
    name: "ignores unknown options",
    rule: "errors",
    killedBy: "errors-unknown-options",
    createStore: changedBuckets((bucket) => ({
      getMany: (keys, { signal, timeout } = {}) => bucket.getMany(keys, { signal, timeout }),
    })),
  },
  {
    name: "does not use the fault of a FaultError",
    rule: "driver",
    killedBy: "driver-fault-error",
    createStore: belowCore((driver, options) => [
      wrapDriver(driver, {
        get: async (request) => {
          try {
            return await driver.get(request);
          } catch {
            throw new Error("the get request failed");
          }
        },
      }),
      options,
    ]),
  },
  {
    name: "throws synchronously instead of returning a promise",
    rule: "errors",
    killedBy: "errors-nothing-is-thrown-at-once",
    createStore: changedBuckets((bucket) => ({
      getMany: (keys, options) => bucket.getMany([...keys], options),
    })),
  },
  {
    name: "uses the same code for every error",
    rule: "errors",
    killedBy: "errors-code-and-tag",
    createStore: changedBuckets((bucket) => ({
      get: (key, options) =>
        bucket.get(key, options).catch(() => {
          throw new StoreError("internal", "get failed");
        }),
    })),
  },
  {
    name: "leaves a promise rejection unhandled",
    rule: "errors",
    killedBy: "errors-none-unhandled",
    createStore: changedBuckets((bucket) => ({
      getMany: (keys, options) => {
        const answers = bucket.getMany(keys, options);
        void answers.then(() => {});
        return answers;
      },
    })),
  },
  {
    name: "reports effect `none` for an error that its driver does not recognize",
    rule: "driver",
    killedBy: "driver-classify-unknown-error",
    driver: (data) =>
      wrapDriver(referenceDriver(data), {
        classify: () => ({ code: "internal", retryable: false, effect: "none" }),
      }),
  },
  {
    name: "throws in classify",
    rule: "driver",
    killedBy: "driver-classify-anything",
    driver: (data) =>
      wrapDriver(referenceDriver(data), {
        classify: (error) => ({
          code: (error as { code: "internal" }).code,
          retryable: false,
          effect: "none",
        }),
      }),
  },
  {
    name: "takes `null` for a missing key",
    rule: "driver",
    killedBy: "driver-wrong-answers",
    createStore: belowCore((driver, options) => [
      wrapDriver(driver, {
        get: async (request) => {
          const answer = await driver.get(request);
          return answer?.values?.[0] === null ? { values: [undefined] } : answer;
        },
      }),
      options,
    ]),
  },
  {
    name: "ignores failures of keys that are not in the request",
    rule: "driver",
    killedBy: "driver-wrong-indexes",
    createStore: belowCore((driver, options) => [
      wrapDriver(driver, {
        set: async (request) => {
          const { unprocessed, faults } = await driver.set(request);
          return {
            unprocessed: unprocessed?.filter((index) => request.keys[index] !== undefined),
            faults: faults?.filter(({ index }) => request.keys[index] !== undefined),
          };
        },
      }),
      options,
    ]),
  },
  {
    name: "takes an error without a fault for one without effect",
    rule: "driver",
    killedBy: "driver-wrong-faults",
    createStore: belowCore((driver, options) => [
      wrapDriver(driver, {
        classify: (error) => driver.classify(error) ?? { code: "internal", retryable: false, effect: "none" },
      }),
      options,
    ]),
  },
  {
    name: "does not freeze its limits",
    rule: "driver",
    killedBy: "driver-name-and-limits",
    driver: (data) => {
      const inner = referenceDriver(data);
      return wrapDriver(inner, { limits: { ...inner.limits } });
    },
  },
  {
    name: "reports that every key exists",
    rule: "driver",
    killedBy: "driver-with-exists",
    driver: (data) =>
      wrapDriver(referenceDriver(data), { exists: async ({ keys }) => ({ values: keys.map(() => true) }) }),
  },
  {
    name: "reads values although the driver has `exists`",
    rule: "driver",
    killedBy: "driver-with-exists",
    createStore: changedBuckets((bucket) => ({
      exists: async (key, options) => (await bucket.get(key, options)) !== undefined,
    })),
  },
  {
    name: "reports that a key exists although the driver has no `exists`",
    rule: "driver",
    killedBy: "driver-without-exists",
    createStore: changedBuckets((bucket, driver) => ({
      exists: async (key, options) => driver.exists === undefined || bucket.exists(key, options),
    })),
  },
  {
    name: "hangs if the request is already aborted",
    rule: "driver",
    killedBy: "driver-signal-fired",
    driver: (data) => {
      const inner = referenceDriver(data);
      return wrapDriver(inner, {
        get: (request) => (request.signal.aborted ? new Promise(() => {}) : inner.get(request)),
      });
    },
  },
];

/** Returns a `createStore` function whose buckets set the `cause` of an error from `get` to the driver's last error. */
function withCause(): CreateStore {
  let last: unknown;
  const noting = (driver: Driver): Driver =>
    wrapDriver(driver, {
      classify: (error) => {
        last = error;
        return driver.classify(error);
      },
    });
  const create = changedBuckets((bucket: Bucket) => ({
    get: (key, options) =>
      bucket.get(key, options).catch((error: unknown) => {
        throw Object.assign(error as Error, { cause: last });
      }),
  }));
  return (driver, options) => create(noting(driver), options);
}
