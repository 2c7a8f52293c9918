import type { Bucket, CallOptions, Store } from "@manykv/core";
import type { Ability } from "../conformance-case.js";
import type { Operation } from "../faults/call-fault.js";
import type { Rule } from "../rules.js";
import { bytes } from "../support/bytes.js";
import { farAway } from "../support/expiry.js";
import { listed } from "../support/listed.js";
import { canary } from "../support/no-leak.js";
import type { WitSentenceId } from "../wit-sentences.js";

/** What an operation calls. */
export interface Target {
  readonly store: Store;
  readonly bucket: Bucket;
}

/**
 * What an operation does, which decides what a lost response means.
 *
 * - `read`: reads keys. The driver answers for each key.
 * - `pages`: sends one request after the other, without keys.
 * - `control`: sends one request without keys.
 * - `write`: may be repeated, because the repetition has the same effect.
 * - `insert`: writes only missing keys, so its repetition may find its own effect.
 * - `increment`: may not be repeated if it may have been applied.
 * - `swap`: may be repeated only if its fence has succeeded.
 */
export type Kind = "read" | "pages" | "control" | "write" | "insert" | "increment" | "swap";

/** A column of the table: a method of a bucket or a store, with certain options. */
export interface TableOperation {
  /** Name of the column. Case ids contain it in lower case, with hyphens. */
  readonly name: string;
  /** The method that it calls. */
  readonly method: keyof Bucket | keyof Store;
  readonly kind: Kind;
  /** The driver's methods that receive its requests. */
  readonly requests: readonly Operation[];
  readonly needs?: readonly Ability[];
  /** Whether one call can have several keys. */
  readonly isBatch: boolean;
  readonly coalesce?: boolean;
  /** The rule of the promise that reported outcomes are true. */
  readonly rule: Rule;
  /** The sentences of `wasi:keyvalue/batch` that the promise about outcomes covers. */
  readonly wit?: readonly WitSentenceId[];
  /** For a write: the value of a key before and after it. */
  readonly before?: string | undefined;
  readonly after?: string | undefined;
  /** Calls the method. Returns one promise for all keys, or one for each key. */
  calls(target: Target, keys: readonly string[], options: CallOptions): readonly Promise<unknown>[];
}

type Calls = TableOperation["calls"];

/** Calls a method that takes one key. Reads of several keys return one answer for each. */
function each(call: (bucket: Bucket, key: string, options: CallOptions) => Promise<unknown>): Calls {
  return ({ bucket }, keys, options) => keys.map((key) => call(bucket, key, options).then((answer) => [answer]));
}

/** Calls a method that takes all keys. */
function all(call: (bucket: Bucket, keys: readonly string[], options: CallOptions) => Promise<unknown>): Calls {
  return ({ bucket }, keys, options) => [call(bucket, keys, options)];
}

/** Values contain the canary, so that the promise about errors finds a value in an error. */
export const old: string = `old ${canary}`;
const written = `new ${canary}`;
const value = (): Uint8Array => bytes(written);
const entries = (keys: readonly string[]): [string, Uint8Array][] => keys.map((key) => [key, value()]);

const setOf = { kind: "write", rule: "S9", before: old, after: written } as const;
const insertOf = { kind: "insert", rule: "S18", before: undefined, after: written, needs: ["ifAbsent"] } as const;
const deleteOf = { kind: "write", rule: "S9", before: old, after: undefined } as const;
const readOf = { kind: "read", rule: "S10" } as const;

/** All columns of the table. A new method needs an entry here, and then gets a case for each promise. */
export const operations: readonly TableOperation[] = [
  {
    ...readOf,
    name: "get",
    method: "get",
    requests: ["get"],
    isBatch: false,
    calls: each((bucket, key, options) => bucket.get(key, options)),
  },
  {
    ...readOf,
    name: "get coalesced",
    method: "get",
    requests: ["get"],
    isBatch: true,
    coalesce: true,
    calls: each((bucket, key, options) => bucket.get(key, options)),
  },
  {
    ...readOf,
    name: "exists",
    method: "exists",
    requests: ["exists", "get"],
    isBatch: false,
    calls: each((bucket, key, options) => bucket.exists(key, options)),
  },
  {
    ...readOf,
    name: "getMany",
    method: "getMany",
    requests: ["get"],
    isBatch: true,
    wit: ["get-many 3", "get-many 5"],
    calls: all(async (bucket, keys, options) => (await bucket.getMany(keys, options)).map((pair) => pair?.[1])),
  },
  {
    ...readOf,
    name: "getMap",
    method: "getMap",
    requests: ["get"],
    isBatch: true,
    calls: all(async (bucket, keys, options) => {
      const found = await bucket.getMap(keys, options);
      return keys.map((key) => found.get(key));
    }),
  },
  {
    ...readOf,
    name: "existsMany",
    method: "existsMany",
    requests: ["exists", "get"],
    isBatch: true,
    calls: all((bucket, keys, options) => bucket.existsMany(keys, options)),
  },
  {
    ...readOf,
    name: "ttlMany",
    method: "ttlMany",
    requests: ["ttl"],
    needs: ["ttl"],
    isBatch: true,
    calls: all((bucket, keys, options) => bucket.ttlMany(keys, options)),
  },
  {
    ...setOf,
    name: "set",
    method: "set",
    requests: ["set"],
    isBatch: false,
    calls: each((bucket, key, options) => bucket.set(key, value(), options)),
  },
  {
    ...setOf,
    name: "set coalesced",
    method: "set",
    requests: ["set"],
    isBatch: true,
    coalesce: true,
    calls: each((bucket, key, options) => bucket.set(key, value(), options)),
  },
  {
    ...setOf,
    name: "setMany",
    method: "setMany",
    requests: ["set"],
    isBatch: true,
    wit: ["batch 3", "set-many 5", "set-many 7"],
    calls: all((bucket, keys, options) => bucket.setMany(entries(keys), options)),
  },
  {
    ...setOf,
    name: "setMany with ttl",
    method: "setMany",
    requests: ["set"],
    needs: ["ttl"],
    isBatch: true,
    calls: all((bucket, keys, options) => bucket.setMany(entries(keys), { ...options, ttl: farAway })),
  },
  {
    ...insertOf,
    name: "set with ifAbsent",
    method: "set",
    requests: ["setIfAbsent"],
    isBatch: false,
    calls: each((bucket, key, options) => bucket.set(key, value(), { ...options, ifAbsent: true })),
  },
  {
    ...insertOf,
    name: "setMany with ifAbsent",
    method: "setMany",
    requests: ["setIfAbsent"],
    isBatch: true,
    calls: all((bucket, keys, options) => bucket.setMany(entries(keys), { ...options, ifAbsent: true })),
  },
  {
    ...deleteOf,
    name: "delete",
    method: "delete",
    requests: ["delete"],
    isBatch: false,
    calls: each((bucket, key, options) => bucket.delete(key, options)),
  },
  {
    ...deleteOf,
    name: "delete coalesced",
    method: "delete",
    requests: ["delete"],
    isBatch: true,
    coalesce: true,
    calls: each((bucket, key, options) => bucket.delete(key, options)),
  },
  {
    ...deleteOf,
    name: "deleteMany",
    method: "deleteMany",
    requests: ["delete"],
    isBatch: true,
    wit: ["batch 3", "delete-many 4", "delete-many 6"],
    calls: all((bucket, keys, options) => bucket.deleteMany(keys, options)),
  },
  {
    name: "increment",
    method: "increment",
    kind: "increment",
    rule: "S20",
    requests: ["increment"],
    needs: ["increment"],
    isBatch: false,
    before: "5",
    after: "6",
    calls: each((bucket, key, options) => bucket.increment(key, 1, options)),
  },
  {
    name: "compareAndSwap",
    method: "compareAndSwap",
    kind: "swap",
    rule: "S21",
    requests: ["compareAndSwap"],
    needs: ["compareAndSwap"],
    isBatch: false,
    before: old,
    after: written,
    calls: each((bucket, key, options) =>
      bucket.compareAndSwap(key, { expected: bytes(old), value: value() }, options),
    ),
  },
  {
    name: "listKeys",
    method: "listKeys",
    kind: "pages",
    rule: "S10",
    requests: ["list"],
    isBatch: false,
    calls: all((bucket, _, options) => listed(bucket, options)),
  },
  {
    name: "keys",
    method: "keys",
    kind: "pages",
    rule: "S10",
    requests: ["list"],
    isBatch: false,
    calls: all((bucket, _, options) => itemsOf(bucket.keys(options))),
  },
  {
    name: "clear",
    method: "clear",
    kind: "pages",
    rule: "S10",
    requests: ["list"],
    isBatch: false,
    calls: all((bucket, _, options) => bucket.clear(options)),
  },
  {
    name: "buckets",
    method: "buckets",
    kind: "pages",
    rule: "S10",
    requests: ["listBuckets"],
    needs: ["buckets"],
    isBatch: false,
    calls: ({ store }, _, options) => [itemsOf(store.buckets(options))],
  },
  {
    name: "sweep",
    method: "sweep",
    kind: "pages",
    rule: "S10",
    requests: ["sweep"],
    isBatch: false,
    calls: ({ store }, _, options) => [store.sweep(options)],
  },
  {
    name: "describe",
    method: "describe",
    kind: "control",
    rule: "S10",
    requests: ["describe"],
    isBatch: false,
    calls: ({ store }, _, options) => [store.describe(options)],
  },
  {
    name: "provision",
    method: "provision",
    kind: "control",
    rule: "S10",
    requests: ["provision"],
    isBatch: false,
    calls: ({ store }) => [store.provision()],
  },
];

async function itemsOf(listing: AsyncIterable<string>): Promise<string[]> {
  const items: string[] = [];
  for await (const item of listing) items.push(item);
  return items;
}

/** Whether the operation writes keys and rejects with their outcomes. */
export function isWrite({ kind }: TableOperation): boolean {
  return kind === "write" || kind === "insert" || kind === "increment" || kind === "swap";
}

/** Whether the requests of the operation name keys. */
export function hasKeys({ kind }: TableOperation): boolean {
  return kind !== "pages" && kind !== "control";
}
