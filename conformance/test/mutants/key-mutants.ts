import { createHash } from "node:crypto";
import type { Entry } from "@manykv/core";
import { changeRequest, type Driver, type KeysRequest, type SetRequest } from "@manykv/core/driver";
import { wrapDriver } from "../../src/faults/wrap-driver.js";
import { type ReferenceData, referenceDriver } from "../reference-driver.js";
import { type CreateStore, changedBuckets, type Mutant } from "./mutant.js";

/** Mutants that merge, truncate or lose keys, accept invalid keys, or reject valid keys. */
export const keyMutants: readonly Mutant[] = [
  {
    name: "replaces every lone surrogate with U+FFFD",
    rule: "S1",
    killedBy: "s01-ill-formed-set-many",
    createStore: changedKeys((key) => (typeof key === "string" ? key.replace(/\p{Surrogate}/gu, "\ufffd") : key)),
  },
  {
    name: "converts a key of any type to a string",
    rule: "S1",
    killedBy: "s01-not-a-string-get-many",
    createStore: changedKeys(String),
  },
  {
    name: "limits the characters of a key instead of its bytes",
    rule: "S1",
    killedBy: "s01-too-long-key-of-2-byte-characters",
    // Replaces a key that has too many bytes with its hash, so that core accepts it.
    createStore: changedKeys((key) =>
      typeof key === "string" && key.length <= 1024 && Buffer.byteLength(key) > 1024
        ? createHash("sha256").update(key).digest("hex")
        : key,
    ),
  },
  {
    name: "truncates keys that are too long",
    rule: "S1",
    killedBy: "s01-far-too-long-key",
    createStore: changedKeys(cut),
  },
  drivers("normalizes keys", "s01-no-normalization", (key) => key.normalize()),
  drivers("lower-cases keys", "s01-case-sensitive", (key) => key.toLowerCase()),
  drivers("trims keys", "s01-white-space", (key) => key.trimEnd()),
  drivers("truncates keys at U+0000", "s01-nul-character", (key) => key.split("\0", 1)[0] as string),
  drivers("converts keys that look like numbers to numbers", "s01-number-like", (key) =>
    key.trim() !== "" && Number.isFinite(Number(key)) ? String(Number(key)) : key,
  ),
  drivers("compares only the first 1,000 characters of keys", "s01-long-keys-differ-at-the-end", (key) =>
    key.slice(0, 1000),
  ),
  drivers("replaces characters above U+FFFF", "s01-every-plane", (key) => key.replace(/[\u{10000}-\u{10ffff}]/gu, "?")),
  {
    name: "rejects the empty key",
    rule: "S1",
    killedBy: "s01-empty-key",
    createStore: changedKeys((key) => (key === "" ? undefined : key)),
  },
  {
    name: "stores keys as properties of an object",
    rule: "S1",
    killedBy: "s01-names-of-properties",
    driver: objectDriver,
  },
];

function cut(key: unknown): unknown {
  return typeof key === "string" ? key.slice(0, 1024) : key;
}

/** Returns a `createStore` function whose stores change keys before they validate them. */
function changedKeys(change: (key: unknown) => unknown): CreateStore {
  const one = (key: string): string => change(key) as string;
  return changedBuckets((bucket) => ({
    get: (key, options) => bucket.get(one(key), options),
    set: (key, value, options) => bucket.set(one(key), value, options),
    delete: (key, options) => bucket.delete(one(key), options),
    exists: (key, options) => bucket.exists(one(key), options),
    getMany: (keys, options) => bucket.getMany(Array.from(keys, one), options),
    setMany: (entries, options) =>
      bucket.setMany(
        Array.from(entries, ([key, value]): Entry => [one(key), value]),
        options,
      ),
    deleteMany: (keys, options) => bucket.deleteMany(Array.from(keys, one), options),
  }));
}

/** Returns a mutant whose driver changes keys before it sends them to the engine. */
function drivers(name: string, killedBy: string, change: (key: string) => string): Mutant {
  const changed = (request: KeysRequest): SetRequest => changeRequest(request, { keys: request.keys.map(change) });
  return {
    name,
    rule: "S1",
    killedBy,
    driver: (data) => {
      const inner = referenceDriver(data);
      return wrapDriver(inner, {
        get: (request) => inner.get(changed(request)),
        set: (request) => inner.set(changed(request)),
        delete: (request) => inner.delete(changed(request)),
      });
    },
  };
}

const objects = new WeakMap<ReferenceData, Record<string, Uint8Array<ArrayBuffer>>>();

function objectDriver(data: ReferenceData): Driver {
  const inner = referenceDriver(data);
  const object = objects.get(data) ?? {};
  objects.set(data, object);
  return wrapDriver(
    inner,
    {
      get: async ({ keys }) => ({
        values: keys.map((key) => (object[key] instanceof Uint8Array ? object[key].slice() : undefined)),
      }),
      set: async ({ keys, values }) => {
        for (const [index, key] of keys.entries()) object[key] = (values[index] as Uint8Array).slice();
        return {};
      },
    },
    ["exists"],
  );
}
