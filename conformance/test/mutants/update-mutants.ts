import { BatchError, type Bucket, type Entry, StoreError, type StoreOptions, type SwapResult } from "@manykv/core";
import {
  changeRequest,
  createRequest,
  type Driver,
  type Fault,
  FaultError,
  keyExists,
  notInteger,
} from "@manykv/core/driver";
import { wrapDriver } from "../../src/faults/wrap-driver.js";
import {
  belowCore,
  broken,
  type CompleteDriver,
  type CreateStore,
  changedBuckets,
  type Mutant,
  retold,
} from "./mutant.js";

/** Mutants that handle `ifAbsent`, increments or swaps incorrectly. */
export const updateMutants: readonly Mutant[] = [
  broken("overwrites existing keys with `ifAbsent`", "S18", "s18-set-keeps-an-existing-key", (inner) => ({
    setIfAbsent: (request) => inner.set(request),
  })),
  broken("reports existing keys as applied", "S18", "s18-set-many-mixed", (inner) => ({
    setIfAbsent: async (request) => {
      await inner.setIfAbsent(request);
      return {};
    },
  })),
  broken("sets no key of a batch if one exists", "S18", "s18-across-seams", (inner) => ({
    setIfAbsent: async (request) => {
      const { values } = await inner.exists(request);
      if (!values.includes(true)) return inner.setIfAbsent(request);
      return { faults: request.keys.map((_, index) => ({ ...keyExists, index })) };
    },
  })),
  broken("reports an existing key at the wrong index", "S18", "s18-many-keys", (inner) => ({
    setIfAbsent: async (request) => {
      const { faults = [] } = await inner.setIfAbsent(request);
      return { faults: faults.map((fault, index) => ({ ...fault, index })) };
    },
  })),
  broken("checks whether keys exist before it sets them", "S18", "s18-one-winner", (inner) => ({
    setIfAbsent: async (request) => {
      const { values } = await inner.exists(request);
      await pause(1);
      const missing = [...request.keys.keys()].filter((index) => !values[index]);
      await inner.set(
        changeRequest(request, {
          keys: missing.map((index) => request.keys[index] as string),
          values: missing.map((index) => request.values[index] as Uint8Array),
        }),
      );
      return { faults: values.flatMap((exists, index) => (exists ? [{ ...keyExists, index }] : [])) };
    },
  })),
  broken("treats an empty value as a missing key with `ifAbsent`", "S18", "s18-empty-value-exists", (inner) => ({
    setIfAbsent: async (request) => {
      const { values } = await inner.get(request);
      for (const [index, key] of request.keys.entries())
        if (values[index]?.length === 0) await inner.delete(changeRequest(request, { keys: [key] }));
      return inner.setIfAbsent(request);
    },
  })),
  broken("changes the expiry of an existing key with `ifAbsent`", "S18", "s18-with-ttl", (inner) => ({
    setIfAbsent: async (request) => {
      const answer = await inner.setIfAbsent(request);
      const { values } = await inner.get(request);
      await inner.set(changeRequest(request, { values: values as Uint8Array[] }));
      return answer;
    },
  })),
  broken("ignores `ttl` with `ifAbsent`", "S18", "s18-with-ttl", (inner) => ({
    setIfAbsent: (request) => inner.setIfAbsent(changeRequest(request, { ttls: undefined })),
  })),
  {
    name: "ignores `ifAbsent` in setMany",
    rule: "S18",
    killedBy: "s18-set-many-creates-all",
    createStore: changedBuckets((bucket) => ({
      setMany: (entries, { ifAbsent: _, ...options } = {}) => bucket.setMany(entries, options),
    })),
  },
  {
    name: "sets the last of several entries for a key with `ifAbsent`",
    rule: "S5",
    killedBy: "s05-first-wins-if-absent",
    createStore: changedBuckets((bucket) => ({
      setMany: (entries, options) => bucket.setMany(options?.ifAbsent ? [...entries].reverse() : entries, options),
    })),
  },
  {
    name: "keeps the `ttl` of the first entry of a duplicate key",
    rule: "S5",
    killedBy: "s05-last-ttl-wins",
    createStore: changedBuckets((bucket) => ({
      setMany: (entries, options) => {
        const first = new Map<string, Entry>();
        const all = [...entries];
        for (const entry of all) if (!first.has(entry[0])) first.set(entry[0], entry);
        return bucket.setMany(
          all.map(([key, value]): Entry => [key, value, first.get(key)?.[2] ?? {}]),
          options,
        );
      },
    })),
  },
  creates(
    "reports a key that it finds after a lost response as not-applied",
    "s18-truth-set-many-with-if-absent",
    (outcome) => (outcome === "unknown" ? "not-applied" : outcome),
  ),
  creates("reports a key that it finds after a lost response as applied", "s18-lost-keys", (outcome) =>
    outcome === "unknown" ? "applied" : outcome,
  ),
  {
    name: "retries existing keys",
    rule: "S18",
    killedBy: "s18-existing-keys-are-not-retried",
    createStore: faults("setIfAbsent", (fault) => ({ ...fault, retryable: true })),
  },
  {
    name: "does not call the fence of a lost create",
    rule: "S18",
    killedBy: "s18-fence-set-many-with-if-absent",
    createStore: faults("setIfAbsent", ({ fence: _, ...fault }) => fault),
  },
  {
    name: "sends as many keys with `ifAbsent` as in other sets",
    rule: "S18",
    killedBy: "s18-request-limits",
    createStore: belowCore((driver, options) => {
      const { setIfAbsent: _, ...limits } = driver.limits;
      return [wrapDriver(driver, { limits: Object.freeze(limits) }), options];
    }),
  },
  broken("increments with a read and a set", "S19", "s19-concurrent-increments", (inner) => ({
    increment: async (request) => {
      const read = (await inner.get(createRequest({ bucket: request.bucket, keys: [request.key] }))).values[0];
      await pause(1);
      const sum = BigInt(textOf(read) || "0") + request.delta;
      await store(inner, request, `${sum}`);
      return sum;
    },
  })),
  broken("adds floating-point numbers", "S19", "s19-extremes", (inner) => ({
    increment: (request) => adding(inner, request, (text) => BigInt(Number(text) + Number(request.delta))),
  })),
  broken("increments text that only looks like an integer", "S19", "s19-wrong-type", (inner) => ({
    increment: (request) => adding(inner, request, (text) => BigInt(text.trim()) + request.delta),
  })),
  broken("treats text that is no integer as 0", "S19", "s19-wrong-type", (inner) => ({
    increment: (request) =>
      adding(inner, request, (text) => BigInt(/^(0|-?[1-9]\d*)$/.test(text) ? text : 0) + request.delta),
  })),
  broken("does not check the value if the delta is 0", "S19", "s19-wrong-type-with-delta-0", (inner) => ({
    increment: async (request) => (request.delta === 0n ? 0n : inner.increment(request)),
  })),
  broken("stops at the largest integer", "S19", "s19-overflow", (inner) => ({
    increment: (request) =>
      adding(inner, request, (text) => {
        const sum = BigInt(text) + request.delta;
        return sum > most ? most : sum < -most - 1n ? -most - 1n : sum;
      }),
  })),
  broken("wraps around after the largest integer", "S19", "s19-overflow", (inner) => ({
    increment: (request) => adding(inner, request, (text) => BigInt.asIntN(64, BigInt(text) + request.delta)),
  })),
  broken("deletes a counter that reaches 0", "S19", "s19-get-reads-decimal-text", (inner) => ({
    increment: async (request) => {
      const sum = await inner.increment(request);
      if (sum === 0n) await inner.delete(createRequest({ bucket: request.bucket, keys: [request.key] }));
      return sum;
    },
  })),
  broken("keeps counters apart from other values", "S19", "s19-counters-in-batches", (inner) => ({
    increment: (request) => inner.increment(changeRequest(request, { bucket: `${request.bucket}.counters` })),
  })),
  broken("removes the expiry of an incremented key", "S19", "s19-keeps-the-expiry", (inner, data) => ({
    increment: async (request) => {
      const sum = await inner.increment(request);
      data.get(request.bucket)?.set(request.key, new TextEncoder().encode(`${sum}`));
      return sum;
    },
  })),
  broken("extends the expiry of an incremented key", "S19", "s19-keeps-the-expiry", (inner) => ({
    increment: async (request) => {
      const sum = await inner.increment(request);
      await store(inner, request, `${sum}`, request.ttl);
      return sum;
    },
  })),
  broken("ignores the `ttl` of an increment", "S19", "s19-expires-after-increments", (inner) => ({
    increment: (request) => inner.increment(changeRequest(request, { ttl: undefined })),
  })),
  {
    name: "rounds the delta of an increment",
    rule: "S19",
    killedBy: "s19-bad-delta",
    createStore: changedBuckets((bucket) => ({
      increment: (key, delta, options) =>
        bucket.increment(key, typeof delta === "number" && delta % 1 !== 0 ? Math.trunc(delta) || 0 : delta, options),
    })),
  },
  {
    name: "repeats an increment whose response was lost",
    rule: "S20",
    killedBy: "s20-truth-increment",
    createStore: faults("increment", (fault) => ({ ...fault, effect: "none" })),
  },
  {
    name: "repeats a lost increment after its fence has succeeded",
    rule: "S20",
    killedBy: "s20-fence-increment",
    createStore: belowCore((driver, options) => {
      const increment: Driver["increment"] = (request) =>
        (driver as CompleteDriver).increment(request).catch(async (error: unknown) => {
          if (!FaultError.is(error) || error.fault.fence === undefined) throw error;
          await error.fault.fence(request);
          throw new FaultError({ ...error.fault, effect: "none", fence: undefined });
        });
      return [wrapDriver(driver, { increment }), options];
    }),
  },
  {
    name: "reports a lost increment as not-applied",
    rule: "S20",
    killedBy: "s11-deadline-increment",
    createStore: changedBuckets((bucket) => ({
      increment: async (key, delta, options) => {
        let sum = 0n;
        const call = async (): Promise<void> => {
          sum = await bucket.increment(key, delta, options);
        };
        await retold(call(), 1, () => "not-applied");
        return sum;
      },
    })),
  },
  {
    name: "reports a lost increment as successful",
    rule: "S20",
    killedBy: "s20-lost-after-throttled",
    createStore: changedBuckets((bucket) => ({
      increment: (key, delta, options) =>
        bucket.increment(key, delta, options).catch((error: unknown) => {
          if (BatchError.is(error) && error.outcomeOf(0) === "unknown") return bucket.increment(key, 0);
          throw error;
        }),
    })),
  },
  {
    name: "never repeats an increment",
    rule: "S20",
    killedBy: "s20-repeated-without-effect",
    createStore: retrying({ attempts: 1 }),
  },
  {
    name: "repeats an increment too often",
    rule: "S20",
    killedBy: "s20-truth-increment",
    createStore: retrying({ attempts: 20, baseDelay: 0, maxDelay: 0 }),
  },
  {
    name: "does not call the fence of a lost increment",
    rule: "S20",
    killedBy: "s20-fence-increment",
    createStore: faults("increment", ({ fence: _, ...fault }) => fault),
  },
  {
    name: "reports a lost increment as settled",
    rule: "S20",
    killedBy: "s20-unsettled",
    createStore: faults("increment", (fault) => ({ ...fault, fence: async () => {} })),
  },
  swapping("does not compare if the key must not exist", "s21-create", (inner, request) =>
    request.expected === undefined ? write(inner, request) : undefined,
  ),
  swapping("creates a missing key although a value is expected", "s21-missing-key", (inner, request, current) =>
    current === undefined && request.value !== undefined ? write(inner, request) : undefined,
  ),
  swapping("deletes a key without comparing its value", "s21-delete", (inner, request) =>
    request.expected !== undefined && request.value === undefined ? write(inner, request) : undefined,
  ),
  swapping("compares only the lengths of values", "s21-compares-every-byte", (inner, request, current) =>
    current?.length === request.expected?.length ? write(inner, request) : undefined,
  ),
  swapping("compares values as text", "s21-compares-every-byte", (inner, request, current) =>
    current && request.expected && textOf(current) === textOf(request.expected) ? write(inner, request) : undefined,
  ),
  swapping("compares values as numbers", "s21-compares-every-byte", (inner, request, current) =>
    current?.length && request.expected?.length && Number(textOf(current)) === Number(textOf(request.expected))
      ? write(inner, request)
      : undefined,
  ),
  swapping("treats an empty value as a missing key in swaps", "s21-empty-value", (inner, request, current) =>
    (current?.length ?? 0) === 0 && (request.expected?.length ?? 0) === 0 ? write(inner, request) : undefined,
  ),
  broken("removes the expiry of a swapped key", "S21", "s21-keeps-the-expiry", (inner, data) => ({
    compareAndSwap: async (request) => {
      const result = await inner.compareAndSwap(request);
      if (result.swapped && request.value) data.get(request.bucket)?.set(request.key, request.value.slice());
      return result;
    },
  })),
  broken("swaps with a read and a set", "S21", "s21-one-winner", (inner) => ({
    compareAndSwap: async (request) => {
      const [current] = (await inner.get(createRequest({ bucket: request.bucket, keys: [request.key] }))).values;
      await pause(1);
      const isEqual = textOf(current) === textOf(request.expected) && (current === undefined) === !request.expected;
      return isEqual ? write(inner, request) : { swapped: false, current };
    },
  })),
  broken("does not return the current value after a lost race", "S21", "s21-loops-lose-no-update", (inner) => ({
    compareAndSwap: async (request) => {
      const result = await inner.compareAndSwap(request);
      return result.swapped ? result : { swapped: false, current: undefined };
    },
  })),
  broken("returns the stored array as the current value", "S21", "s21-current-is-a-copy", (inner, data) => ({
    compareAndSwap: async (request) => {
      const result = await inner.compareAndSwap(request);
      return result.swapped ? result : { swapped: false, current: data.get(request.bucket)?.get(request.key) };
    },
  })),
  {
    name: "reports a lost race as an error",
    rule: "S21",
    killedBy: "s21-replace",
    createStore: changedBuckets((bucket) => ({
      compareAndSwap: async (key, change, options) => {
        const result = await bucket.compareAndSwap(key, change, options);
        if (!result.swapped) throw new StoreError("precondition-failed", "compareAndSwap: the value differs");
        return result;
      },
    })),
  },
  {
    name: "reports a lost response of a swap as a lost race",
    rule: "S21",
    killedBy: "s21-lost-answer",
    createStore: changedBuckets((bucket) => ({
      compareAndSwap: (key, change, options) =>
        bucket.compareAndSwap(key, change, options).catch(async (error: unknown): Promise<SwapResult> => {
          if (!BatchError.is(error) || error.outcomeOf(0) !== "unknown") throw error;
          return { swapped: false, current: await bucket.get(key) };
        }),
    })),
  },
  {
    name: "repeats a lost swap without a fence",
    rule: "S21",
    killedBy: "s21-truth-compare-and-swap",
    createStore: faults("compareAndSwap", (fault) => ({ ...fault, fence: async () => {} })),
  },
  {
    name: "does not repeat a lost swap after its fence has succeeded",
    rule: "S21",
    killedBy: "s21-fence-compare-and-swap",
    createStore: faults("compareAndSwap", (fault) => ({ ...fault, retryable: fault.effect === "none" })),
  },
  {
    name: "reports a swap that may have been applied as not-applied",
    rule: "S21",
    killedBy: "s21-truth-compare-and-swap",
    createStore: faults("compareAndSwap", (fault) => ({ ...fault, effect: "none" })),
  },
  {
    name: "reads the values of a swap after the call has returned its promise",
    rule: "S21",
    killedBy: "s21-caller-reuses-buffers",
    createStore: changedBuckets((bucket) => ({
      compareAndSwap: async (key, change, options) => {
        await pause(1);
        return bucket.compareAndSwap(key, change, options);
      },
    })),
  },
];

const most = 2n ** 63n - 1n;

type SwapRequest = Parameters<CompleteDriver["compareAndSwap"]>[0];

/** Returns a mutant that swaps if `swap` returns a result, and otherwise does what the reference driver does. */
function swapping(
  name: string,
  killedBy: string,
  swap: (
    inner: CompleteDriver,
    request: SwapRequest,
    current: Uint8Array | undefined,
  ) => Promise<SwapResult> | undefined,
): Mutant {
  return broken(name, "S21", killedBy, (inner) => ({
    compareAndSwap: async (request) => {
      const [current] = (await inner.get(createRequest({ bucket: request.bucket, keys: [request.key] }))).values;
      return swap(inner, request, current) ?? inner.compareAndSwap(request);
    },
  }));
}

/** Sets or deletes the key of a swap without comparing. */
async function write(
  inner: CompleteDriver,
  { bucket, key, value }: Omit<SwapRequest, "expected">,
): Promise<SwapResult> {
  if (value === undefined) await inner.delete(createRequest({ bucket, keys: [key] }));
  else await inner.set(createRequest({ bucket, keys: [key], values: [value] }));
  return { swapped: true };
}

type IncrementRequest = Parameters<CompleteDriver["increment"]>[0];

/** Increments with the sum that `add` returns. If `add` throws, the value is no integer. */
async function adding(
  inner: CompleteDriver,
  request: IncrementRequest,
  add: (text: string) => bigint,
): Promise<bigint> {
  const [stored] = (await inner.get(createRequest({ bucket: request.bucket, keys: [request.key] }))).values;
  let sum: bigint;
  try {
    sum = add(stored === undefined ? "0" : textOf(stored));
  } catch {
    throw new FaultError(notInteger);
  }
  await store(inner, request, `${sum}`);
  return sum;
}

async function store(
  inner: CompleteDriver,
  { bucket, key }: IncrementRequest,
  text: string,
  ttl?: number,
): Promise<void> {
  await inner.set(createRequest({ bucket, keys: [key], values: [new TextEncoder().encode(text)], ttls: [ttl] }));
}

/** Returns a mutant that reports the outcomes that `tell` returns if a setMany with `ifAbsent` fails. */
function creates(name: string, killedBy: string, tell: Parameters<typeof retold>[2]): Mutant {
  const createStore = changedBuckets((bucket: Bucket) => ({
    setMany: async (entries, options) => {
      const all = [...entries];
      const write = bucket.setMany(all, options);
      await (options?.ifAbsent ? retold(write, all.length, tell) : write);
    },
  }));
  return { name, rule: "S18", killedBy, createStore };
}

/** Returns a `createStore` function that changes the faults of one method of the driver. */
function faults(method: "setIfAbsent" | "increment" | "compareAndSwap", change: (fault: Fault) => Fault): CreateStore {
  return belowCore((driver, options) => {
    const changed = async (request: Parameters<CompleteDriver["setIfAbsent"]>[0]): Promise<unknown> => {
      try {
        const answer = await (driver as unknown as Record<string, CompleteDriver["setIfAbsent"]>)[method]?.(request);
        if (method !== "setIfAbsent" || answer === undefined) return answer;
        return { ...answer, faults: answer.faults?.map((fault) => ({ ...change(fault), index: fault.index })) };
      } catch (error) {
        throw new FaultError(change(FaultError.is(error) ? error.fault : driver.classify(error)));
      }
    };
    return [wrapDriver(driver, { [method]: changed } as Partial<Driver>), options];
  });
}

function retrying(retry: NonNullable<StoreOptions["retry"]>): CreateStore {
  return belowCore((driver, options) => [driver, { ...options, retry }]);
}

function textOf(value: Uint8Array | undefined): string {
  return new TextDecoder().decode(value);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
