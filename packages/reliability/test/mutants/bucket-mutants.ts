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
    listKeys: (options) => inner.listKeys(options),
    keys: (options) => inner.keys(options),
    getMany: (keys, options) => inner.getMany(keys, options),
    setMany: (entries, options) => inner.setMany(entries, options),
    deleteMany: (keys, options) => inner.deleteMany(keys, options),
    ...changes,
  };
}

/** Returns a `setMany` that changes the outcomes if the call rejects. */
function retold(inner: Bucket, tell: (outcome: Outcome) => Outcome): Partial<Bucket> {
  return {
    setMany: async (entries, options) => {
      const kept = [...entries].map(([key, value]): Entry => [key, value.slice()]);
      await inner.setMany(kept, options).catch((error: unknown) => {
        if (!BatchError.is(error)) throw error;
        const outcomes = kept.map((_, index) => tell(error.outcomeOf(index)));
        const counts = { applied: 0, "not-applied": 0, unknown: 0 };
        for (const outcome of outcomes) counts[outcome]++;
        throw new BatchError(error.code, error.message, {
          size: outcomes.length,
          counts,
          outcomeOf: (index) => outcomes[index] as Outcome,
          causeOf: () => error,
        });
      });
    },
  };
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
      const kept = [...entries].map(([key, value]): Entry => [key, value.slice()]);
      inner.setMany(kept, options).catch(() => {});
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
];
