import { createStore, type KeyValue, StoreError } from "@manykv/core";
import { changeRequest, createRequest } from "@manykv/core/driver";
import { wrapDriver } from "../../src/faults/wrap-driver.js";
import { referenceDriver } from "../reference-driver.js";
import { belowCore, changedBuckets, type Mutant, retold } from "./mutant.js";

/** Mutants that do not validate, order, deduplicate, split or send batches correctly. */
export const batchMutants: readonly Mutant[] = [
  {
    name: "validates each entry only just before it sends the entry",
    rule: "S3",
    killedBy: "s03-bad-entry-of-set-many",
    createStore: changedBuckets((bucket) => ({
      setMany: async (entries, options) => {
        for (const [key, value] of entries) await bucket.set(key, value, options);
      },
    })),
  },
  {
    name: "ignores the invalid keys of a deleteMany",
    rule: "S3",
    killedBy: "s03-bad-entry-of-delete-many",
    createStore: changedBuckets((bucket) => ({
      deleteMany: (keys, options) =>
        bucket.deleteMany(
          [...keys].filter((key) => typeof key === "string"),
          options,
        ),
    })),
  },
  {
    name: "reads valid keys before it finds an invalid one",
    rule: "S3",
    killedBy: "s03-bad-entry-of-get-many",
    createStore: changedBuckets((bucket) => ({
      getMany: async (keys, options) => {
        const answers: (KeyValue | undefined)[] = [];
        for (const key of keys) answers.push(...(await bucket.getMany([key], options)));
        return answers;
      },
    })),
  },
  {
    name: "does not report which entry is invalid",
    rule: "S3",
    killedBy: "s03-message-names-the-index",
    createStore: changedBuckets((bucket) => ({
      getMany: async (keys, options) => {
        try {
          return await bucket.getMany(keys, options);
        } catch (error) {
          throw StoreError.is(error) ? new StoreError(error.code, "the batch contains an invalid key") : error;
        }
      },
    })),
  },
  {
    name: "inspects the values before it validates them",
    rule: "S3",
    killedBy: "s03-unreadable-values",
    createStore: changedBuckets((bucket) => ({
      setMany: async (entries, options) => {
        const longest = Math.max(...Array.from(entries, ([, value]) => value.byteLength));
        return bucket.setMany(entries, longest > 0 ? options : {});
      },
    })),
  },
  {
    name: "believes the length that a value reports",
    rule: "S3",
    killedBy: "s03-unusual-values",
    createStore: changedBuckets((bucket) => ({
      set: async (key, value, options) =>
        bucket.set(key, ArrayBuffer.isView(value) ? value.slice(0, value.byteLength) : value, options),
    })),
  },
  {
    name: "counts only the elements that it could read",
    rule: "S3",
    killedBy: "s03-unreadable-element",
    createStore: changedBuckets((bucket) => ({
      setMany: (entries, options) => retold(bucket.setMany(entries, options), 1, () => "not-applied"),
    })),
  },
  {
    name: "reads the options of a call twice",
    rule: "S3",
    killedBy: "s03-options-are-read-once",
    createStore: changedBuckets((bucket) => ({
      setMany: async (entries, options) =>
        bucket.setMany(entries, options?.timeout === undefined ? undefined : { timeout: options.timeout }),
    })),
  },
  {
    name: "rejects signals of other realms",
    rule: "S3",
    killedBy: "s03-signals-of-other-libraries",
    createStore: changedBuckets((bucket) => ({
      get: async (key, options) => {
        if (options?.signal instanceof AbortSignal || options?.signal === undefined) return bucket.get(key, options);
        throw new StoreError("invalid-argument", "`signal` must be an AbortSignal");
      },
    })),
  },
  {
    name: "accepts only arrays",
    rule: "S3",
    killedBy: "s03-any-iterable-of-entries",
    createStore: changedBuckets((bucket) => ({
      setMany: (entries, options) => bucket.setMany(Array.isArray(entries) ? entries : [], options),
    })),
  },
  {
    name: "skips the holes of an array",
    rule: "S3",
    killedBy: "s03-holes",
    createStore: changedBuckets((bucket) => ({
      getMany: (keys, options) => bucket.getMany(Array.isArray(keys) ? keys.filter(() => true) : keys, options),
    })),
  },
  {
    name: "returns results in the order of completion",
    rule: "S4",
    killedBy: "s04-order-not-of-completion",
    createStore: changedBuckets((bucket) => ({
      getMany: async (keys, options) => {
        const answers: (KeyValue | undefined)[] = [];
        await Promise.all(Array.from(keys, async (key) => answers.push(...(await bucket.getMany([key], options)))));
        return answers;
      },
    })),
  },
  {
    name: "returns results in the engine's order",
    rule: "S4",
    killedBy: "s04-order-of-keys",
    driver: (data) => {
      const inner = referenceDriver(data);
      return wrapDriver(inner, {
        get: (request) => inner.get(changeRequest(request, { keys: [...request.keys].sort() })),
      });
    },
  },
  {
    name: "omits missing keys",
    rule: "S4",
    killedBy: "s04-missing-keys",
    createStore: changedBuckets((bucket) => ({
      getMany: async (keys, options) => (await bucket.getMany(keys, options)).filter((answer) => answer !== undefined),
    })),
  },
  {
    name: "returns an empty array if all keys are missing",
    rule: "S4",
    killedBy: "s04-all-missing",
    createStore: changedBuckets((bucket) => ({
      getMany: async (keys, options) => {
        const answers = await bucket.getMany(keys, options);
        return answers.every((answer) => answer === undefined) ? [] : answers;
      },
    })),
  },
  {
    name: "returns a duplicate key only once",
    rule: "S4",
    killedBy: "s04-duplicates",
    createStore: changedBuckets((bucket) => ({
      getMany: (keys, options) => bucket.getMany(new Set(keys), options),
    })),
  },
  {
    name: "returns values without their keys",
    rule: "S4",
    killedBy: "s04-pairs",
    createStore: changedBuckets((bucket) => ({
      getMany: async (keys, options) =>
        (await bucket.getMany(keys, options)).map((answer) => answer?.[1]) as unknown as KeyValue[],
    })),
  },
  {
    name: "stores the first value of a duplicate key",
    rule: "S5",
    killedBy: "s05-last-wins",
    createStore: changedBuckets((bucket) => ({
      setMany: (entries, options) =>
        bucket.setMany(new Map(Array.from(entries, ([key, value]) => [key, value] as const).reverse()), options),
    })),
  },
  {
    name: "sends duplicates in separate requests, in the wrong order",
    rule: "S5",
    killedBy: "s05-last-wins-across-seams",
    createStore: changedBuckets((bucket) => ({
      setMany: async (entries, options) => {
        for (const [key, value] of [...entries].reverse()) await bucket.set(key, value, options);
      },
    })),
  },
  {
    name: "passes duplicates to the driver",
    rule: "S5",
    killedBy: "s05-driver-sees-no-duplicate",
    createStore: changedBuckets((bucket, driver) => ({
      getMany: async (keys) => {
        const asked = [...keys];
        await driver.get(createRequest({ bucket: bucket.name, keys: asked }));
        return bucket.getMany(asked);
      },
    })),
  },
  {
    name: "rejects a batch that contains a key twice",
    rule: "S5",
    killedBy: "s05-duplicate-deletes",
    createStore: changedBuckets((bucket) => ({
      deleteMany: async (keys, options) => {
        const doomed = [...keys];
        if (new Set(doomed).size < doomed.length)
          throw new StoreError("invalid-argument", "the batch contains a key twice");
        return bucket.deleteMany(doomed, options);
      },
    })),
  },
  ...(["getMany", "setMany", "deleteMany"] as const).map(
    (method): Mutant => ({
      name: `sends a request for an empty ${method}`,
      rule: "S6",
      killedBy: `s06-empty-${{ getMany: "get", setMany: "set", deleteMany: "delete" }[method]}-many`,
      createStore: changedBuckets((bucket, driver) => ({
        [method]: async (input: Iterable<never>) => {
          const entries = [...input];
          if (entries.length === 0) await driver.get(createRequest({ bucket: bucket.name }));
          return bucket[method](entries);
        },
      })),
    }),
  ),
  {
    name: "does not send the last request of a batch",
    rule: "S12",
    killedBy: "s12-seams-of-2",
    createStore: changedBuckets((bucket, driver, { requestLimits }) => ({
      setMany: (entries, options) => {
        const size = requestLimits?.maxKeys ?? driver.limits.set.maxKeys;
        const all = [...entries];
        return bucket.setMany(all.length > size ? all.slice(0, all.length - (all.length % size)) : all, options);
      },
    })),
  },
  {
    name: "stops at the first request that fails",
    rule: "S12",
    killedBy: "s12-stuck-key-stops-no-other",
    createStore: changedBuckets((bucket) => ({
      setMany: async (entries, options) => {
        const all = [...entries];
        await bucket.setMany(all.slice(0, 2), options);
        await bucket.setMany(all.slice(2), options);
      },
    })),
  },
  {
    name: "sends every key although the engine rejects whole requests",
    rule: "S12",
    killedBy: "s12-dead-engine-ends-the-batch",
    createStore: changedBuckets((bucket) => ({
      setMany: async (entries, options) => {
        const all = [...entries];
        for (const entry of all) await bucket.setMany([entry], options).catch(() => {});
        return bucket.setMany(all, options);
      },
    })),
  },
  {
    name: "does not split batches by count",
    rule: "S12",
    killedBy: "s12-ten-thousand-keys",
    createStore: belowCore((driver, options) => {
      const endless = { maxKeys: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY };
      return [
        wrapDriver(driver, { limits: { ...driver.limits, get: endless, set: endless, delete: endless } }),
        options,
      ];
    }),
  },
  {
    name: "does not split batches by bytes",
    rule: "S12",
    killedBy: "s12-seams-by-bytes",
    createStore: (driver, { requestLimits, ...options }) =>
      createStore(driver, {
        ...options,
        ...(requestLimits?.maxKeys && { requestLimits: { maxKeys: requestLimits.maxKeys } }),
      }),
  },
  {
    name: "counts the characters of keys instead of their bytes when it splits a batch",
    rule: "S12",
    killedBy: "s12-bytes-are-utf-8",
    createStore: (driver, { requestLimits, ...options }) =>
      createStore(driver, {
        ...options,
        ...(requestLimits?.maxBytes && { requestLimits: { maxBytes: requestLimits.maxBytes * 2 } }),
      }),
  },
  {
    name: "sends one request per key",
    rule: "S12",
    killedBy: "s12-one-request-where-it-fits",
    createStore: belowCore((driver, options) => [driver, { ...options, requestLimits: { maxKeys: 1 } }]),
  },
  {
    name: "sends all requests of a call at once",
    rule: "S12",
    killedBy: "s12-bounded-concurrency",
    createStore: belowCore((driver, options) => [driver, { ...options, concurrency: 1_000 }]),
  },
  {
    name: "sends the requests of a call one after another",
    rule: "S12",
    killedBy: "s12-bounded-concurrency",
    createStore: belowCore((driver, options) => [driver, { ...options, concurrency: 1 }]),
  },
  {
    name: "returns the answers of existsMany in another order",
    rule: "S4",
    killedBy: "s04-exists-many",
    createStore: changedBuckets((bucket) => ({
      existsMany: async (keys, options) => bucket.existsMany([...new Set(keys)], options),
    })),
  },
  {
    name: "returns missing keys from getMap",
    rule: "S4",
    killedBy: "s04-get-map",
    createStore: changedBuckets((bucket) => ({
      getMap: async (keys, options) => {
        const all = [...keys];
        const found = await bucket.getMany(all, options);
        return new Map(all.map((key, index) => [key, found[index]?.[1] ?? new Uint8Array(0)]));
      },
    })),
  },
  {
    name: "sends a request for an existsMany of no keys",
    rule: "S6",
    killedBy: "s06-empty-exists-many",
    createStore: changedBuckets((bucket) => ({
      existsMany: async (keys, options) => {
        await bucket.get("any key");
        return bucket.existsMany(keys, options);
      },
    })),
  },
];
