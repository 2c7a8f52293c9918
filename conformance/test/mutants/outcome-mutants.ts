import { BatchError, type Bucket } from "@manykv/core";
import { changeRequest, type Driver, type Fault, type WriteAnswer } from "@manykv/core/driver";
import { wrapDriver } from "../../src/faults/wrap-driver.js";
import { type ReferenceData, referenceDriver } from "../reference-driver.js";
import { belowCore, type CreateStore, changedBuckets, type Mutant, retold } from "./mutant.js";

/** Mutants that lose writes, return old data, retry incorrectly, or report false outcomes. */
export const outcomeMutants: readonly Mutant[] = [
  {
    name: "acknowledges writes before it applies them",
    rule: "S7",
    killedBy: "s07-single-then-batch",
    driver: (data) => {
      const inner = referenceDriver(data);
      return wrapDriver(inner, {
        set: async (request) => {
          const values = request.values.map((value) => value.slice());
          setTimeout(() => inner.set(changeRequest(request, { values })), 5);
          return {};
        },
      });
    },
  },
  {
    name: "reads from a replica that receives writes late",
    rule: "S7",
    killedBy: "s07-all-clients-see-it",
    driver: laggingDriver,
  },
  {
    name: "caches reads in each bucket object",
    rule: "S7",
    killedBy: "s07-all-handles-see-it",
    createStore: changedBuckets((bucket) => {
      const read = new Map<string, ReturnType<Bucket["get"]>>();
      return {
        get: (key, options) => {
          const known = read.get(key) ?? bucket.get(key, options);
          read.set(key, known);
          return known;
        },
      };
    }),
  },
  {
    name: "does not overwrite existing keys",
    rule: "S7",
    killedBy: "s07-set-many-overwrites",
    createStore: changedBuckets((bucket) => ({
      setMany: async (entries, options) => {
        const all = [...entries];
        const there = await bucket.getMany(all.map(([key]) => key));
        return bucket.setMany(
          all.filter((_, index) => there[index] === undefined),
          options,
        );
      },
    })),
  },
  {
    name: "changes only existing keys",
    rule: "S7",
    killedBy: "s07-set-many-creates",
    createStore: changedBuckets((bucket) => ({
      setMany: async (entries, options) => {
        const all = [...entries];
        const there = await bucket.getMany(all.map(([key]) => key));
        return bucket.setMany(
          all.filter((_, index) => there[index] !== undefined),
          options,
        );
      },
    })),
  },
  {
    name: "reports a fault for a deleted key that was missing",
    rule: "S7",
    killedBy: "s07-delete-many-skips-missing",
    driver: (data) => {
      const inner = referenceDriver(data);
      return wrapDriver(inner, {
        delete: async (request) => {
          const faults = request.keys.flatMap((key, index) =>
            data.get(request.bucket)?.has(key) ? [] : [{ ...internal, index }],
          );
          await inner.delete(request);
          return { faults };
        },
      });
    },
  },
  {
    name: "deletes only the first key of a deleteMany",
    rule: "S7",
    killedBy: "s07-model",
    createStore: changedBuckets((bucket) => ({
      deleteMany: async (keys, options) => bucket.deleteMany([...keys].slice(0, 1), options),
    })),
  },
  {
    name: "loses the writes of a batch when another batch runs concurrently",
    rule: "S7",
    killedBy: "s07-writes-at-the-same-time",
    driver: (data) => {
      const inner = referenceDriver(data);
      return wrapDriver(inner, {
        set: async ({ bucket, keys, values }) => {
          const copy = new Map(data.get(bucket));
          const kept = values.map((value) => value.slice());
          await new Promise((resolve) => setTimeout(resolve, 1));
          for (const [index, key] of keys.entries()) copy.set(key, kept[index] as Uint8Array<ArrayBuffer>);
          data.set(bucket, copy);
          return {};
        },
      });
    },
  },
  {
    name: "rolls back a failed setMany",
    rule: "S8",
    killedBy: "s08-no-rollback-of-sets",
    createStore: changedBuckets((bucket) => ({
      setMany: async (entries, options) => {
        const all = [...entries];
        const before = await Promise.all(all.map(([key]) => bucket.get(key).catch(() => undefined)));
        await bucket.setMany(all, options).catch(async (error: unknown) => {
          for (const [index, [key]] of all.entries())
            await bucket.set(key, before[index] ?? new Uint8Array(0)).catch(() => {});
          throw error;
        });
      },
    })),
  },
  {
    name: "writes a value in two parts",
    rule: "S8",
    killedBy: "s08-values-are-never-torn",
    driver: (data) => {
      const inner = referenceDriver(data);
      return wrapDriver(inner, {
        set: async (request) => {
          const values = request.values.map((value) => value.slice());
          const halves = values.map((value) => value.slice(0, value.length / 2));
          await inner.set(changeRequest(request, { values: halves }));
          await new Promise((resolve) => setImmediate(resolve));
          return inner.set(changeRequest(request, { values }));
        },
      });
    },
  },
  retells("reports all keys as not-applied when some were written", "s09-truth-set-many", () => "not-applied"),
  retells("reports unknown keys as not-applied", "s09-truth-set-many", (outcome) =>
    outcome === "unknown" ? "not-applied" : outcome,
  ),
  retells("reports not-applied keys as unknown", "s09-truth-set-many", (outcome) =>
    outcome === "not-applied" ? "unknown" : outcome,
  ),
  retells("reports unknown keys as applied", "s09-truth-set-many", (outcome) =>
    outcome === "unknown" ? "applied" : outcome,
  ),
  {
    name: "resolves when a key could not be deleted",
    rule: "S9",
    killedBy: "s09-truth-delete-many",
    createStore: changedBuckets((bucket) => ({
      deleteMany: (keys, options) => bucket.deleteMany(keys, options).catch(() => {}),
    })),
  },
  {
    name: "reports a fault for the wrong key",
    rule: "S9",
    killedBy: "s09-truth-set-many",
    createStore: answers(({ faults, ...rest }, size) => ({
      ...rest,
      faults: faults?.map((fault) => ({ ...fault, index: (fault.index + 1) % size })),
    })),
  },
  {
    name: "ignores unprocessed keys",
    rule: "S9",
    killedBy: "s09-truth-set-many",
    createStore: answers(({ faults }) => ({ faults })),
  },
  {
    name: "repeats the whole request for one unprocessed key",
    rule: "S9",
    killedBy: "s09-truth-set-many",
    createStore: answers(({ unprocessed, ...rest }, size) => ({
      ...rest,
      unprocessed: unprocessed?.length ? Array.from({ length: size }, (_, index) => index) : [],
    })),
  },
  {
    name: "retries without a delay",
    rule: "S9",
    killedBy: "s09-truth-set-many",
    createStore: belowCore((driver, options) => [
      driver,
      { ...options, timeout: 3_000, retry: { attempts: 1_000_000, baseDelay: 0, maxDelay: 0 } },
    ]),
  },
  {
    name: "never retries",
    rule: "S9",
    killedBy: "s09-truth-set-many",
    createStore: belowCore((driver, options) => [driver, { ...options, retry: { attempts: 1 } }]),
  },
  {
    name: "retries keys that the engine refuses permanently",
    rule: "S9",
    killedBy: "s09-truth-set-many",
    createStore: faults((fault) => ({ ...fault, retryable: true })),
  },
  {
    name: "reports not-applied if a retry after a lost response is refused",
    rule: "S9",
    killedBy: "s09-set-unknown-is-sticky",
    createStore: faults((fault) => (fault.retryable ? { ...fault, effect: "none" } : fault)),
  },
  {
    name: "treats a lost response as an acknowledgement",
    rule: "S9",
    killedBy: "s09-truth-set-many",
    createStore: answers(({ faults: all, ...rest }) => ({
      ...rest,
      faults: all?.filter(({ effect }) => effect === "none"),
    })),
  },
  {
    name: "does not call the fence",
    rule: "S9",
    killedBy: "s09-fence-set",
    createStore: faults(({ fence: _, ...fault }) => fault),
  },
  {
    name: "reports every entry after the first failed one as not-applied",
    rule: "S9",
    killedBy: "s09-truth-set-many",
    createStore: changedBuckets((bucket) => ({
      setMany: (entries, options) => {
        const all = [...entries];
        let failed = false;
        return retold(bucket.setMany(all, options), all.length, (outcome) => {
          failed ||= outcome !== "applied";
          return failed ? "not-applied" : outcome;
        });
      },
    })),
  },
  {
    name: "reports different outcomes for the same key",
    rule: "errors",
    killedBy: "errors-duplicates-share-an-outcome",
    createStore: changedBuckets((bucket) => ({
      setMany: (entries, options) => {
        const keys = Array.from(entries, ([key]) => key);
        return retold(bucket.setMany(entries, options), keys.length, (outcome, index) =>
          keys.indexOf(keys[index] as string) < index ? "applied" : outcome,
        );
      },
    })),
  },
];

const internal: Fault = { code: "internal", retryable: false, effect: "none" };

/** Returns a mutant whose store reports the outcomes that `tell` returns when a `setMany` call fails. */
function retells(name: string, killedBy: string, tell: Parameters<typeof retold>[2]): Mutant {
  const createStore = changedBuckets((bucket: Bucket) => ({
    setMany: async (entries, options) => {
      const all = [...entries];
      await retold(bucket.setMany(all, options), all.length, tell).catch((error: unknown) => {
        // If every entry is reported as applied, the call resolves.
        if (BatchError.is(error) && error.counts.applied === all.length) return;
        throw error;
      });
    },
  }));
  return { name, rule: "S9", killedBy, createStore };
}

/** Returns a `createStore` function that wraps the driver and changes its answers to writes. */
function answers(change: (answer: WriteAnswer, size: number) => WriteAnswer): CreateStore {
  return belowCore((driver, options) => [
    wrapDriver(driver, {
      set: async (request) => change(await driver.set(request), request.keys.length),
      delete: async (request) => change(await driver.delete(request), request.keys.length),
    }),
    options,
  ]);
}

/** Returns a `createStore` function that wraps the driver and changes the faults of its writes and of `classify`. */
function faults(change: (fault: Fault) => Fault): CreateStore {
  return belowCore((driver, options) => {
    const one = (answer: WriteAnswer): WriteAnswer => ({
      ...answer,
      faults: answer.faults?.map(({ index, ...fault }) => ({ ...change(fault), index })),
    });
    return [
      wrapDriver(driver, {
        set: async (request) => one(await driver.set(request)),
        delete: async (request) => one(await driver.delete(request)),
        classify: (error) => change(driver.classify(error)),
      }),
      options,
    ];
  });
}

const replicas = new WeakMap<ReferenceData, ReferenceData>();

/** Returns a driver that reads from a replica. The replica receives each write 3 ms later. */
function laggingDriver(data: ReferenceData): Driver {
  const inner = referenceDriver(data);
  const replica = replicas.get(data) ?? new Map();
  replicas.set(data, replica);
  const catchUp = (): void => {
    setTimeout(() => {
      for (const [name, entries] of data) replica.set(name, new Map(entries));
    }, 3);
  };
  const behind = referenceDriver(replica);
  return wrapDriver(inner, {
    get: (request) => behind.get(request),
    set: async (request) => {
      catchUp();
      return inner.set(request);
    },
    delete: async (request) => {
      catchUp();
      return inner.delete(request);
    },
  });
}
