import type { Random } from "@manykv/conformance/faults";
import { BatchError, type Bucket, type Entry, type Outcome } from "@manykv/core";
import type { Mutant } from "./driver-mutants.js";

/** Returns a bucket with the methods in `changes`. All other methods call `inner`. */
function like(inner: Bucket, changes: Partial<Bucket>): Bucket {
  return {
    name: inner.name,
    limits: inner.limits,
    get: (key, options) => inner.get(key, options),
    set: (key, value, options) => inner.set(key, value, options),
    delete: (key, options) => inner.delete(key, options),
    exists: (key, options) => inner.exists(key, options),
    increment: (key, delta, options) => inner.increment(key, delta, options),
    compareAndSwap: (key, change, options) => inner.compareAndSwap(key, change, options),
    listKeys: (options) => inner.listKeys(options),
    keys: (options) => inner.keys(options),
    clear: (options) => inner.clear(options),
    getMany: (keys, options) => inner.getMany(keys, options),
    getMap: (keys, options) => inner.getMap(keys, options),
    existsMany: (keys, options) => inner.existsMany(keys, options),
    ttlMany: (keys, options) => inner.ttlMany(keys, options),
    setMany: (entries, options) => inner.setMany(entries, options),
    deleteMany: (keys, options) => inner.deleteMany(keys, options),
    ...changes,
  };
}

/** Returns a `setMany` that changes the outcomes if the call rejects. */
function retold(inner: Bucket, tell: (outcome: Outcome) => Outcome): Partial<Bucket> {
  return {
    setMany: (entries, options) => inner.setMany(copyOf(entries), options).catch(rejectWith(tell)),
  };
}

/** Returns a function that rejects with changed outcomes. */
function rejectWith(tell: (outcome: Outcome) => Outcome): (error: unknown) => never {
  return (error) => {
    if (!BatchError.is(error)) throw error;
    const size = error.counts.applied + error.counts["not-applied"] + error.counts.unknown;
    const outcomes = Array.from({ length: size }, (_, index) => tell(error.outcomeOf(index)));
    const counts = { applied: 0, "not-applied": 0, unknown: 0 };
    for (const outcome of outcomes) counts[outcome]++;
    throw new BatchError(error.code, error.message, {
      size,
      counts,
      outcomeOf: (index) => outcomes[index] as Outcome,
      causeOf: () => error,
    });
  };
}

function copyOf(entries: Iterable<Entry>): Entry[] {
  return [...entries].map(
    ([key, value, options]): Entry => (options ? [key, value.slice(), options] : [key, value.slice()]),
  );
}

function mutant(
  name: string,
  found: Mutant["found"],
  changes: (inner: Bucket, random: Random) => Partial<Bucket>,
): Mutant {
  return { name, found, bucket: (inner, random) => like(inner, changes(inner, random)) };
}

export const bucketMutants: readonly Mutant[] = [
  mutant("reports unknown keys as not-applied", ["false-not-applied"], (inner) =>
    retold(inner, (outcome) => (outcome === "unknown" ? "not-applied" : outcome)),
  ),
  mutant("reports unknown keys as applied", ["false-applied", "stale-overwrite"], (inner) =>
    retold(inner, (outcome) => (outcome === "unknown" ? "applied" : outcome)),
  ),
  mutant("reports applied keys as not-applied", ["false-not-applied"], (inner) =>
    retold(inner, (outcome) => (outcome === "applied" ? "not-applied" : outcome)),
  ),
  mutant("resolves before it has written the values", ["lost-write", "stale-read", "false-missing"], (inner) => ({
    setMany: async (entries, options) => {
      inner.setMany(copyOf(entries), options).catch(() => {});
    },
  })),
  mutant("ignores errors of writes", ["lost-write", "stale-overwrite"], (inner) => ({
    setMany: (entries, options) => inner.setMany(entries, options).catch(() => {}),
  })),
  mutant("reads the caller's values after setMany has returned", ["torn-value"], (inner) => ({
    setMany: async (entries, options) => {
      await Promise.resolve();
      return inner.setMany(entries, options);
    },
  })),
  mutant("lets the first value of a duplicate key win", ["unwritten-value"], (inner) => ({
    setMany: (entries, options) => inner.setMany([...entries].reverse(), options),
  })),
  mutant("omits missing keys from its results", ["misplaced-answer"], (inner) => ({
    getMany: async (keys, options) => (await inner.getMany(keys, options)).filter((pair) => pair !== undefined),
  })),
  mutant("never settles", ["unsettled"], (inner, random) => ({
    setMany: (entries, options) => (random.chance(0.2) ? new Promise(() => {}) : inner.setMany(entries, options)),
  })),
  mutant("settles after its deadline", ["settled-late"], (inner, random) => ({
    deleteMany: async (keys, options) => {
      if (random.chance(0.3)) await new Promise((resolve) => setTimeout(resolve, 6_000));
      return inner.deleteMany(keys, options);
    },
  })),
  mutant("rejects with an error without outcomes", ["malformed-error"], (inner) => ({
    setMany: (entries, options) =>
      inner.setMany(entries, options).catch((error: unknown) => {
        throw new Error(String(error));
      }),
  })),
  mutant("reports unknown increments as not-applied", ["false-not-applied", "impossible-order"], (inner) => ({
    increment: (key, delta, options) =>
      inner
        .increment(key, delta, options)
        .catch(rejectWith((outcome) => (outcome === "unknown" ? "not-applied" : outcome))),
  })),
  mutant("repeats increments whose outcome is unknown", ["impossible-order", "unwritten-value"], (inner) => ({
    increment: (key, delta, options) =>
      inner.increment(key, delta, options).catch((error: unknown) => {
        if (BatchError.is(error) && error.outcomeOf(0) === "unknown") return inner.increment(key, delta, options);
        throw error;
      }),
  })),
  mutant("reports unknown swaps as lost races", ["false-not-applied"], (inner) => ({
    compareAndSwap: (key, change, options) =>
      inner.compareAndSwap(key, change, options).catch(async (error: unknown) => {
        if (!BatchError.is(error) || error.outcomeOf(0) !== "unknown") throw error;
        return { swapped: false, current: await inner.get(key) };
      }),
  })),
  mutant("ignores `ifAbsent`", ["false-condition"], (inner) => ({
    setMany: (entries, options) => inner.setMany(entries, { ...options, ifAbsent: false }),
  })),
  mutant("drops the `ttl` of entries", ["wrong-expiry"], (inner) => ({
    setMany: (entries, options) =>
      inner.setMany(
        [...entries].map(([key, value]): Entry => [key, value]),
        options,
      ),
  })),
];
