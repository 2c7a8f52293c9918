import {
  createRequest,
  type Driver,
  type DriverRequest,
  type IncrementRequest,
  type KeysRequest,
  type ListRequest,
  type SetRequest,
  type SwapRequest,
  type WriteAnswer,
} from "@manykv/core/driver";

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
  return {
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
}

/**
 * Sends a set request. First calls `prepareSet` if the driver has this method, core has not called it, and no key
 * expires.
 */
export function sendSet(driver: Driver, request: SetRequest): Promise<WriteAnswer> {
  if (driver.prepareSet === undefined || request.prepared !== undefined || request.ttls !== undefined)
    return driver.set(request);
  const { bucket, keys, values, deadline, signal } = request;
  const prepared = driver.prepareSet(bucket, keys, values);
  return driver.set(createRequest({ bucket, keys, prepared, deadline, signal }));
}

/** A request of any kind. */
export type AnyRequest = DriverRequest & Partial<SetRequest & ListRequest & IncrementRequest & SwapRequest>;

/** The parts of a request that `changeRequest` can replace. */
export type RequestChanges = Partial<
  Pick<
    Parameters<typeof createRequest>[0],
    "bucket" | "keys" | "values" | "ttls" | "prefix" | "cursor" | "delta" | "ttl" | "expected" | "value"
  >
>;

/** Returns a copy of a request with some parts replaced. The copy is aborted together with the original. */
export function changeRequest(request: AnyRequest, changes: RequestChanges): ReturnType<typeof createRequest> {
  const { bucket = "", keys = keysOf(request), values, ttls, prefix, cursor, delta, ttl, expected, value } = request;
  const { deadline, signal } = request;
  const parts = { bucket, keys, values, ttls, prefix, cursor, delta, ttl, expected, value };
  return createRequest({ ...parts, ...changes, deadline, signal });
}

/** Returns the keys of a request of any kind. */
export function keysOf({ keys, key }: AnyRequest): readonly string[] {
  return keys ?? (key === undefined ? [] : [key]);
}

/**
 * Returns a copy of a request that contains only the keys at `indexes` and, for a set request, their values and times to
 * live. The copy is aborted together with the original.
 */
export function pickKeys(request: KeysRequest & Partial<SetRequest>, indexes: readonly number[]): SetRequest {
  const { keys, values } = request;
  const ttls = indexes.map((index) => request.ttls?.[index]);
  return changeRequest(request, {
    keys: indexes.map((index) => keys[index] as string),
    values: values?.length ? indexes.map((index) => values[index] as Uint8Array) : undefined,
    ttls: ttls.some((ttl) => ttl !== undefined) ? ttls : undefined,
  });
}
