import {
  BatchError,
  type Bucket,
  createStore,
  type Outcome,
  type Store,
  StoreError,
  type StoreOptions,
} from "@manykv/core";
import type { Driver, DriverDescription } from "@manykv/core/driver";
import { refused } from "../../src/faults/engine-faults.js";
import { faultDriver } from "../../src/faults/fault-driver.js";
import { wrapDriver } from "../../src/faults/wrap-driver.js";
import type { ConformanceHarness, KnownServer, Refusal, Rule } from "../../src/index.js";
import { type ReferenceData, referenceDriver } from "../reference-driver.js";
import { referenceFailures } from "../reference-failures.js";

/** A driver or a `createStore` function with a bug that breaks one rule. */
export interface Mutant {
  /** Description of the bug. It completes the phrase "a backend that ...". */
  readonly name: string;
  readonly rule: Rule;
  /** Id of the case that must fail for this mutant. */
  readonly killedBy: string;
  /** The broken driver. Default: the reference driver. */
  readonly driver?: (data: ReferenceData) => Driver;
  /** A broken layer between core and the engine. Default: the driver is the engine. */
  readonly layer?: (engine: Driver) => Driver;
  /** The broken `createStore` function. Default: `createStore` of `@manykv/core`. */
  readonly createStore?: CreateStore;
  /** Broken settings. */
  readonly settings?: (
    data: ReferenceData,
  ) => Pick<ConformanceHarness, "variants" | "knownServers" | "invalidSettings">;
}

export type CreateStore = (driver: Driver, options: StoreOptions) => Store;

export function harnessOf({
  name,
  driver,
  layer = (engine) => engine,
  createStore: create,
  settings,
}: Mutant): ConformanceHarness {
  const data: ReferenceData = new Map();
  const client = (): Driver => driver?.(data) ?? layer(referenceDriver(data));
  return {
    name,
    driver: client,
    refusals: [wrongPassword(client)],
    engineFailures: referenceFailures(() => referenceDriver(data), layer),
    ...(create && { createStore: create }),
    variants: [{ what: "another client", driver: client }],
    knownServers: [knownServer(data)],
    invalidSettings: [{ what: "a wrong port", driver: wrongPort }],
    ...settings?.(data),
  };
}

/** @param changes - what the client reports wrongly */
export function knownServer(data: ReferenceData, changes: Partial<DriverDescription> = {}): KnownServer {
  const findings = [{ code: "no-persistence", severity: "note", message: "The data is lost at the end." } as const];
  const reported = { product: "reference", settlesLostWrites: true, findings, ...changes };
  return {
    what: "the reference",
    driver: () => wrapDriver(referenceDriver(data), { describe: async () => reported }),
    description: {
      product: "reference",
      topology: undefined,
      abilities: { settlesLostWrites: true },
      findings: { "no-persistence": "note" },
    },
  };
}

/** Settings that the reference driver would refuse. */
export function wrongPort(): never {
  throw new StoreError("invalid-argument", "the port must be a number from 1 to 65535");
}

/** A client whose server refuses its password. */
export function wrongPassword(driver: () => Driver): Refusal {
  const refusing = (): Driver => faultDriver(driver(), () => ({ kind: "reject", fault: refused }));
  return { what: "a wrong password", code: "access-denied", driver: refusing };
}

/** The reference driver, which has the methods of every ability. */
export type CompleteDriver = Required<Driver>;

/** Returns a mutant that is a reference driver with other methods. */
export function broken(
  name: string,
  rule: Rule,
  killedBy: string,
  change: (inner: CompleteDriver, data: ReferenceData) => Partial<Driver>,
): Mutant {
  const driver = (data: ReferenceData): Driver => {
    const inner = referenceDriver(data) as CompleteDriver;
    return wrapDriver(inner, change(inner, data));
  };
  return { name, rule, killedBy, driver };
}

/** Wraps core's `createStore`: in each bucket, the methods that `change` returns replace the bucket's own methods. */
export function changedBuckets(
  change: (bucket: Bucket, driver: Driver, options: StoreOptions) => Partial<Bucket>,
): CreateStore {
  return changedStore((store, driver, storeOptions) => ({
    open: async (name, options) => {
      const bucket = await store.open(name, options);
      return { ...delegateBucket(bucket), ...change(bucket, driver, storeOptions) };
    },
  }));
}

/** Wraps core's `createStore`: the methods that `change` returns replace the store's own methods. */
export function changedStore(
  change: (store: Store, driver: Driver, options: StoreOptions) => Partial<Store>,
): CreateStore {
  return (driver, options) => {
    const store = createStore(driver, options);
    return { ...delegateStore(store), ...change(store, driver, options) };
  };
}

/** Wraps core's `createStore`: core receives the driver and the options that `change` returns. */
export function belowCore(change: (driver: Driver, options: StoreOptions) => [Driver, StoreOptions]): CreateStore {
  return (driver, options) => createStore(...change(driver, options));
}

function delegateStore(store: Store): Store {
  return {
    open: (name, options) => store.open(name, options),
    provision: () => store.provision(),
    describe: (options) => store.describe(options),
    buckets: (options) => store.buckets(options),
    sweep: (options) => store.sweep(options),
    close: () => store.close(),
    [Symbol.asyncDispose]: () => store.close(),
  };
}

function delegateBucket(bucket: Bucket): Bucket {
  return {
    name: bucket.name,
    limits: bucket.limits,
    get: (key, options) => bucket.get(key, options),
    set: (key, value, options) => bucket.set(key, value, options),
    delete: (key, options) => bucket.delete(key, options),
    exists: (key, options) => bucket.exists(key, options),
    listKeys: (options) => bucket.listKeys(options),
    keys: (options) => bucket.keys(options),
    getMany: (keys, options) => bucket.getMany(keys, options),
    setMany: (entries, options) => bucket.setMany(entries, options),
    deleteMany: (keys, options) => bucket.deleteMany(keys, options),
    getMap: (keys, options) => bucket.getMap(keys, options),
    existsMany: (keys, options) => bucket.existsMany(keys, options),
    ttlMany: (keys, options) => bucket.ttlMany(keys, options),
    clear: (options) => bucket.clear(options),
    increment: (key, delta, options) => bucket.increment(key, delta, options),
    compareAndSwap: (key, change, options) => bucket.compareAndSwap(key, change, options),
  };
}

/** Waits for a write. Replaces the outcomes of a `BatchError` with the outcomes that `tell` returns. */
export async function retold(
  write: Promise<void>,
  size: number,
  tell: (told: Outcome, index: number) => Outcome,
): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!BatchError.is(error)) throw error;
    const { code, message } = error;
    const outcomes = Array.from({ length: size }, (_, index) => tell(error.outcomeOf(index), index));
    const counts = { applied: 0, "not-applied": 0, unknown: 0 };
    for (const outcome of outcomes) counts[outcome]++;
    throw new BatchError(code, message, {
      size,
      counts,
      outcomeOf: (index) => outcomes[index] as Outcome,
      causeOf: () => error,
      isUnsettled: () => false,
    });
  }
}
