import type { Bucket } from "@manykv/core";
import { createRequest, type Driver, type DriverLimits } from "@manykv/core/driver";
import type { Ability } from "../conformance-case.js";
import type { Operation } from "../faults/call-fault.js";
import { sendSet } from "../faults/wrap-driver.js";
import { bytes } from "../support/bytes.js";
import { farAway } from "../support/expiry.js";
import { canary } from "../support/no-leak.js";

/** An operation on keys. The name of a key tells what is stored before the call. */
export interface Scenario {
  readonly operation: KeyOperation;
  /** What the call does, for messages, such as `set with a ttl`. */
  readonly what: string;
  readonly needs?: Ability;
  /** Whether the call takes only one key. */
  readonly single?: boolean;
  /** Prepares the keys. Default: sets each key to its value before the call, unless this value is `undefined`. */
  readonly prepare?: (direct: Bucket, keys: readonly string[]) => Promise<void>;
  /** The value of a key before the call, or `undefined` if the key does not exist. */
  before(key: string): string | undefined;
  /** The value of a key after the call, if the call was applied. */
  after(key: string): string | undefined;
  /** What the call returns for a key, as text. Always `done` for a write without a result. */
  result(key: string): string;
  /** Sends one request to the driver. Returns the faults and one result per key, as text. */
  request(driver: Driver, bucket: string, keys: readonly string[]): Promise<Answer>;
  /** Makes the call. Returns the result of each key, as text. */
  call(bucket: Bucket, keys: readonly string[]): Promise<readonly string[]>;
}

export type KeyOperation = Exclude<Operation, "list" | "listBuckets" | "sweep">;

/** The answer of a driver, with the results as text. The values of a driver may have holes, which `map` would skip. */
export interface Answer {
  readonly results: readonly string[];
  readonly faults?: Awaited<ReturnType<Driver["set"]>>["faults"];
  readonly unprocessed?: readonly number[] | undefined;
}

/** A key whose name contains this word does not exist before a read. */
export const missing = "missing";
/** A key whose name contains this word exists before a set with `ifAbsent`. */
export const present = "present";

const done = "done";

/** Values contain the canary, which no error may contain. */
const oldValue = (key: string): string => `${canary} old value of ${key}`;
const newValue = (key: string): string => `${canary} new value of ${key}`;

const reading = {
  before: (key: string) => (key.includes(missing) ? undefined : oldValue(key)),
  after: (key: string) => (key.includes(missing) ? undefined : oldValue(key)),
};

const writing = {
  before: oldValue,
  after: newValue,
  result: () => done,
};

type Ttls = (keys: readonly string[]) => (number | undefined)[];

const sameTtls: Ttls = (keys) => keys.map(() => farAway);
const differentTtls: Ttls = (keys) => keys.map((_, index) => (index % 2 === 0 ? farAway + index : undefined));

function setting(what: string, ttls?: Ttls): Scenario {
  return {
    ...writing,
    operation: "set",
    what,
    ...(ttls && { needs: "ttl" }),
    request: async (driver, bucket, keys) => written(keys, await sendSet(driver, setRequest(bucket, keys, ttls))),
    call: async (bucket, keys) => {
      await bucket.setMany(entriesOf(keys, ttls));
      return keys.map(() => done);
    },
  };
}

function settingIfAbsent(what: string, ttls?: Ttls): Scenario {
  return {
    ...writing,
    operation: "setIfAbsent",
    what,
    needs: ttls === undefined ? "ifAbsent" : "ttl",
    before: (key) => (key.includes(present) ? oldValue(key) : undefined),
    after: (key) => (key.includes(present) ? oldValue(key) : newValue(key)),
    request: async (driver, bucket, keys) =>
      written(keys, await required(driver, "setIfAbsent").call(driver, setRequest(bucket, keys, ttls))),
    call: async (bucket, keys) => {
      await bucket.setMany(entriesOf(keys, ttls), { ifAbsent: true });
      return keys.map(() => done);
    },
  };
}

function incrementing(what: string, before: string | undefined, options: IncrementOptions = {}): Scenario {
  const { prepare, ttl } = options;
  const after = String(BigInt(before ?? 0) + 1n);
  return {
    operation: "increment",
    what,
    needs: ttl === undefined ? "increment" : "ttl",
    single: true,
    ...(prepare && { prepare }),
    before: () => before,
    after: () => after,
    result: () => after,
    request: async (driver, bucket, keys) => {
      const request = createRequest({ bucket, keys, delta: 1n, ttl });
      return { results: [String(await required(driver, "increment").call(driver, request))] };
    },
    call: async (bucket, keys) => [String(await bucket.increment(keys[0] as string, 1, { ttl }))],
  };
}

interface IncrementOptions {
  readonly prepare?: Scenario["prepare"];
  readonly ttl?: number;
}

/** A swap of `before` to `after` that expects the value `expected`. */
function swapping(
  what: string,
  before: string | undefined,
  expected: string | undefined,
  value: string | undefined,
): Scenario {
  const swaps = before === expected;
  const change = { expected: optionalBytes(expected), value: optionalBytes(value) };
  return {
    operation: "compareAndSwap",
    what,
    needs: "compareAndSwap",
    single: true,
    before: () => before,
    after: () => (swaps ? value : before),
    result: () => (swaps ? "swapped" : `found ${before}`),
    request: async (driver, bucket, keys) => {
      const request = createRequest({ bucket, keys, ...change });
      return { results: [textOfSwap(await required(driver, "compareAndSwap").call(driver, request))] };
    },
    call: async (bucket, keys) => [textOfSwap(await bucket.compareAndSwap(keys[0] as string, change))],
  };
}

/** Every kind of call on keys. A driver may send different requests for each of them. */
export const scenarios: readonly Scenario[] = [
  {
    ...reading,
    operation: "get",
    what: "get",
    result: (key) => String(reading.before(key)),
    request: async (driver, bucket, keys) => {
      const { values, ...rest } = await driver.get(createRequest({ bucket, keys }));
      return { ...rest, results: Array.from(values, textOf) };
    },
    call: async (bucket, keys) => (await bucket.getMany(keys)).map((pair) => textOf(pair?.[1])),
  },
  {
    ...reading,
    operation: "exists",
    what: "exists",
    result: (key) => String(!key.includes(missing)),
    request: async (driver, bucket, keys) => {
      const { values, ...rest } = await required(driver, "exists").call(driver, createRequest({ bucket, keys }));
      return { ...rest, results: Array.from(values, String) };
    },
    call: async (bucket, keys) => (await bucket.existsMany(keys)).map(String),
  },
  {
    ...reading,
    operation: "ttl",
    what: "ttl",
    needs: "ttl",
    result: (key) => (key.includes(missing) ? "undefined" : "null"),
    request: async (driver, bucket, keys) => {
      const { values, ...rest } = await required(driver, "ttl").call(driver, createRequest({ bucket, keys }));
      return { ...rest, results: Array.from(values, String) };
    },
    call: async (bucket, keys) => (await bucket.ttlMany(keys)).map(String),
  },
  setting("set"),
  setting("set with one ttl", sameTtls),
  setting("set with different ttls", differentTtls),
  {
    ...writing,
    operation: "delete",
    what: "delete",
    after: () => undefined,
    request: async (driver, bucket, keys) => written(keys, await driver.delete(createRequest({ bucket, keys }))),
    call: async (bucket, keys) => {
      await bucket.deleteMany(keys);
      return keys.map(() => done);
    },
  },
  settingIfAbsent("set with `ifAbsent`"),
  settingIfAbsent("set with `ifAbsent` and different ttls", differentTtls),
  incrementing("increment of a missing key", undefined),
  incrementing("increment of a value that `set` stored", "41"),
  incrementing("increment of a counter", "7", {
    prepare: async (direct, keys) => void (await Promise.all(keys.map((key) => direct.increment(key, 7)))),
  }),
  incrementing("increment of a missing key with a ttl", undefined, { ttl: farAway }),
  swapping("swap that creates a key", undefined, undefined, newValue("it")),
  swapping("swap of a value", oldValue("it"), oldValue("it"), newValue("it")),
  swapping("swap of an integer", "5", "5", "6"),
  swapping("swap that deletes a key", oldValue("it"), oldValue("it"), undefined),
  swapping("swap that expects another value", oldValue("it"), newValue("it"), "never"),
  swapping("swap that expects no key, but finds one", oldValue("it"), undefined, "never"),
];

/** Returns how many keys a request of an operation may contain. */
export function maxKeysOf(
  { get, set, setIfAbsent = set, delete: remove }: DriverLimits,
  operation: KeyOperation,
): number {
  if (operation === "set") return set.maxKeys;
  if (operation === "setIfAbsent") return setIfAbsent.maxKeys;
  return operation === "delete" ? remove.maxKeys : get.maxKeys;
}

type OptionalMethod = "exists" | "ttl" | "setIfAbsent" | "increment" | "compareAndSwap";

function required<Name extends OptionalMethod>(driver: Driver, name: Name): NonNullable<Driver[Name]> {
  const method = driver[name];
  if (method === undefined) throw new TypeError(`the driver of an engine failure must have the method \`${name}\``);
  return method as NonNullable<Driver[Name]>;
}

function setRequest(bucket: string, keys: readonly string[], ttls?: Ttls): ReturnType<typeof createRequest> {
  return createRequest({ bucket, keys, values: keys.map((key) => bytes(newValue(key))), ttls: ttls?.(keys) });
}

function entriesOf(keys: readonly string[], ttls?: Ttls): [string, Uint8Array, { ttl?: number }?][] {
  const times = ttls?.(keys) ?? [];
  return keys.map((key, index) => {
    const ttl = times[index];
    return ttl === undefined ? [key, bytes(newValue(key))] : [key, bytes(newValue(key)), { ttl }];
  });
}

function written(keys: readonly string[], answer: Awaited<ReturnType<Driver["set"]>>): Answer {
  return { ...answer, results: keys.map(() => done) };
}

function textOf(value: Uint8Array | undefined): string {
  return value === undefined ? "undefined" : new TextDecoder().decode(value);
}

function textOfSwap(result: Awaited<ReturnType<Bucket["compareAndSwap"]>>): string {
  return result.swapped ? "swapped" : `found ${textOf(result.current)}`;
}

function optionalBytes(text: string | undefined): Uint8Array | undefined {
  return text === undefined ? undefined : bytes(text);
}
