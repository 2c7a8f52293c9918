import type { Entry } from "@manykv/core";
import { changeRequest, type Driver } from "@manykv/core/driver";
import { wrapDriver } from "../../src/faults/wrap-driver.js";
import { type ReferenceData, referenceDriver } from "../reference-driver.js";
import { changedBuckets, type Mutant } from "./mutant.js";

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Mutants that change, truncate or share values, or that accept invalid values. */
export const valueMutants: readonly Mutant[] = [
  stores("truncates values to 65,535 bytes", "s02-sizes-around-powers-of-two", (value) => value.subarray(0, 65_535)),
  stores("drops the last byte of long values", "s02-longest-value", (value) =>
    value.byteLength > 500_000 ? value.subarray(0, -1) : value,
  ),
  stores("stores values as text", "s02-not-utf-8", (value) => encoder.encode(decoder.decode(value))),
  stores("converts values that look like numbers to numbers", "s02-number-like-text", (value) => {
    const text = decoder.decode(value);
    return text !== "" && Number.isFinite(Number(text)) ? encoder.encode(String(Number(text))) : value;
  }),
  stores("decodes values that look like JSON", "s02-literal-like-text", (value) => {
    try {
      return encoder.encode(String(JSON.parse(decoder.decode(value))));
    } catch {
      return value;
    }
  }),
  {
    name: "stores the whole buffer of a view",
    rule: "S2",
    killedBy: "s02-part-of-a-buffer",
    createStore: changedBuckets((bucket) => ({
      set: (key, value, options) => bucket.set(key, new Uint8Array(value.buffer), options),
    })),
  },
  answers("reports a key with an empty value as missing", "S2", "s02-empty-value", (value) =>
    value?.byteLength ? value : undefined,
  ),
  answers("returns a missing key as an empty value", "S4", "s04-all-missing", (value) => value ?? new Uint8Array(0)),
  {
    name: "returns values as Buffers",
    rule: "S2",
    killedBy: "s02-plain-uint8array",
    createStore: changedBuckets((bucket) => ({
      get: async (key, options) => {
        const value = await bucket.get(key, options);
        return value && Buffer.from(value);
      },
    })),
  },
  {
    name: "does not overwrite a value with an empty value",
    rule: "S2",
    killedBy: "s02-empty-value-overwrites",
    driver: (data) => {
      const inner = referenceDriver(data);
      return wrapDriver(inner, {
        set: async (request) => {
          for (const [index, key] of request.keys.entries()) {
            const value = request.values[index] as Uint8Array;
            if (value.byteLength > 0 || !data.get(request.bucket)?.has(key))
              await inner.set(changeRequest(request, { keys: [key], values: [value] }));
          }
          return {};
        },
      });
    },
  },
  {
    name: "returns the stored array instead of a copy",
    rule: "S2",
    killedBy: "s02-results-are-the-callers",
    driver: (data) =>
      wrapDriver(referenceDriver(data), {
        get: async ({ bucket, keys }) => ({ values: keys.map((key) => data.get(bucket)?.get(key)) }),
      }),
  },
  {
    name: "stores the array of the request instead of a copy",
    rule: "driver",
    killedBy: "driver-keeps-no-value",
    driver: (data) =>
      wrapDriver(referenceDriver(data), {
        set: async ({ bucket, keys, values }) => {
          const entries = data.get(bucket) ?? new Map<string, Uint8Array<ArrayBuffer>>();
          data.set(bucket, entries);
          for (const [index, key] of keys.entries()) entries.set(key, values[index] as Uint8Array<ArrayBuffer>);
          return {};
        },
      }),
  },
  prepares("prepares a set without copying the values", (values) => values),
  prepares("sends a prepared set only once", (values) => values.map((value) => value.slice()), true),
  {
    name: "returns the same array for equal values",
    rule: "S2",
    killedBy: "s02-results-share-no-memory",
    driver: sharingDriver,
  },
  {
    name: "reads its input after the call has returned a promise",
    rule: "S2",
    killedBy: "s02-caller-changes-set-many-values",
    createStore: changedBuckets((bucket) => ({
      setMany: async (entries, options) => {
        await undefined;
        return bucket.setMany(entries, options);
      },
    })),
  },
  {
    name: "collects entries without copying them",
    rule: "S2",
    killedBy: "s02-generator-reuses-its-buffer",
    createStore: changedBuckets((bucket) => ({
      setMany: (entries, options) => bucket.setMany([...entries], options),
    })),
  },
  {
    name: "copies values only after a delay",
    rule: "S2",
    killedBy: "s02-caller-changes-value-before-retry",
    createStore: changedBuckets((bucket) => ({
      setMany: async (entries, options) => {
        const kept = [...entries];
        await new Promise((resolve) => setTimeout(resolve, 5));
        return bucket.setMany(kept, options);
      },
    })),
  },
  {
    name: "returns the same array twice for a duplicate key",
    rule: "S2",
    killedBy: "s02-duplicates-share-no-memory",
    createStore: changedBuckets((bucket) => ({
      getMany: async (keys, options) => {
        const asked = [...keys];
        const found = new Map((await bucket.getMany(new Set(asked), options)).map((pair) => [pair?.[0], pair]));
        return asked.map((key) => found.get(key));
      },
    })),
  },
  {
    name: "encodes text that is passed as a value",
    rule: "S2",
    killedBy: "s02-not-bytes-set-many",
    createStore: changedBuckets((bucket) => ({
      setMany: (entries, options) =>
        bucket.setMany(
          Array.from(
            entries,
            ([key, value]): Entry => [key, typeof value === "string" ? encoder.encode(value) : value],
          ),
          options,
        ),
    })),
  },
  {
    name: "accepts an array of numbers as bytes",
    rule: "S2",
    killedBy: "s02-not-bytes-set",
    createStore: changedBuckets((bucket) => ({
      set: (key, value, options) => bucket.set(key, Array.isArray(value) ? Uint8Array.from(value) : value, options),
    })),
  },
  {
    name: "stores a detached array as an empty value",
    rule: "S2",
    killedBy: "s02-detached-value",
    createStore: changedBuckets((bucket) => ({
      set: (key, value, options) => bucket.set(key, value.byteLength === 0 ? new Uint8Array(0) : value, options),
    })),
  },
];

/** Returns a mutant whose driver changes values when it stores them. */
function stores(name: string, killedBy: string, change: (value: Uint8Array) => Uint8Array): Mutant {
  return {
    name,
    rule: "S2",
    killedBy,
    driver: (data) => {
      const inner = referenceDriver(data);
      return wrapDriver(inner, {
        set: (request) => inner.set(changeRequest(request, { values: request.values.map(change) })),
      });
    },
  };
}

/** Returns a mutant whose driver changes values when it returns them. */
function answers(
  name: string,
  rule: Mutant["rule"],
  killedBy: string,
  change: (value: Uint8Array<ArrayBuffer> | undefined) => Uint8Array<ArrayBuffer> | undefined,
): Mutant {
  return {
    name,
    rule,
    killedBy,
    driver: (data) => {
      const inner = referenceDriver(data);
      return wrapDriver(inner, {
        get: async (request) => {
          const answer = await inner.get(request);
          return { ...answer, values: answer.values.map(change) };
        },
      });
    },
  };
}

function sharingDriver(data: ReferenceData): Driver {
  const inner = referenceDriver(data);
  return wrapDriver(inner, {
    get: async (request) => {
      const { values } = await inner.get(request);
      const seen = new Map<string, Uint8Array<ArrayBuffer>>();
      return {
        values: values.map((value) => {
          if (value === undefined) return undefined;
          const text = Buffer.from(value).toString("latin1");
          const shared = seen.get(text) ?? value;
          seen.set(text, shared);
          return shared;
        }),
      };
    },
  });
}

/**
 * Returns a mutant whose `prepareSet` returns the result of `keep`. With `onlyOnce`, the driver reports success without
 * writing when it receives the same prepared set again, as in a retry.
 */
function prepares(
  name: string,
  keep: (values: readonly Uint8Array[]) => readonly Uint8Array[],
  onlyOnce = false,
): Mutant {
  return {
    name,
    rule: "driver",
    killedBy: "driver-with-prepare-set",
    driver: (data) => {
      const inner = referenceDriver(data);
      const sent = new Set<unknown>();
      return wrapDriver(inner, {
        prepareSet: (_bucket, _keys, values) => keep(values),
        set: async (request) => {
          const { prepared } = request;
          if (onlyOnce && sent.has(prepared)) return {};
          sent.add(prepared);
          return inner.set(changeRequest(request, { values: prepared as readonly Uint8Array[] }));
        },
      });
    },
  };
}
