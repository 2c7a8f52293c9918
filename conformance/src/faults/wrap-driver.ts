import {
  changeRequest,
  type Driver,
  type DriverRequest,
  type IncrementRequest,
  type ListRequest,
  type SetRequest,
  type SwapRequest,
  type WriteAnswer,
} from "@manykv/core/driver";
import { faultListenerOf, onFault } from "./fault-listeners.js";

/** The name of a method that a driver may lack. */
export type OptionalMethod =
  | "exists"
  | "prepareSet"
  | "setIfAbsent"
  | "ttl"
  | "increment"
  | "compareAndSwap"
  | "listBuckets"
  | "sweep"
  | "provision"
  | "describe"
  | "lostSince";

const optionalMethods: readonly OptionalMethod[] = [
  "exists",
  "prepareSet",
  "setIfAbsent",
  "ttl",
  "increment",
  "compareAndSwap",
  "listBuckets",
  "sweep",
  "provision",
  "describe",
  "lostSince",
];

/**
 * Returns a driver that forwards every call to `inner`, except for the methods in `overrides`. Optional methods that
 * `inner` lacks stay absent. `without` lists optional methods of `inner` to leave out.
 */
export function wrapDriver(inner: Driver, overrides: Partial<Driver>, without: readonly OptionalMethod[] = []): Driver {
  const kept = optionalMethods.filter((name) => inner[name] !== undefined && !without.includes(name));
  const wrapped: Driver = {
    name: inner.name,
    limits: inner.limits,
    server: inner.server,
    get generation() {
      return inner.generation;
    },
    get: (request) => inner.get(request),
    set: (request) => sendSet(inner, request),
    delete: (request) => inner.delete(request),
    list: (request) => inner.list(request),
    close: () => inner.close(),
    classify: (error) => inner.classify(error),
    ...Object.fromEntries(kept.map((name) => [name, inner[name]?.bind(inner)])),
    ...overrides,
  };
  const listener = faultListenerOf(inner);
  if (listener !== undefined) onFault(wrapped, listener);
  return wrapped;
}

/**
 * Sends a set request. First calls `prepareSet` if the driver has this method, core has not called it, and no key
 * expires.
 */
export function sendSet(driver: Driver, request: SetRequest): Promise<WriteAnswer> {
  if (driver.prepareSet === undefined || request.prepared !== undefined || request.ttls !== undefined)
    return driver.set(request);
  const prepared = driver.prepareSet(request.bucket, request.keys, request.values);
  return driver.set(changeRequest(request, { values: [], prepared }));
}

/** A request of any kind. */
export type AnyRequest = DriverRequest & Partial<SetRequest & ListRequest & IncrementRequest & SwapRequest>;

/** Returns the keys of a request of any kind. */
export function keysOf({ keys, key }: AnyRequest): readonly string[] {
  return keys ?? (key === undefined ? [] : [key]);
}
