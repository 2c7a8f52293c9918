import {
  createRequest,
  type Driver,
  type DriverRequest,
  type KeysRequest,
  type ListRequest,
  type SetRequest,
  type WriteAnswer,
} from "@manykv/core/driver";

/** The name of a method that a driver may lack. */
type OptionalMethod = "exists" | "prepareSet" | "provision" | "describe" | "lostSince";

/**
 * Returns a driver that forwards every call to `inner`, except for the methods in `overrides`. Optional methods that
 * `inner` lacks stay absent. `without` lists optional methods of `inner` to leave out.
 */
export function wrapDriver(inner: Driver, overrides: Partial<Driver>, without: readonly OptionalMethod[] = []): Driver {
  const kept = <Method extends OptionalMethod>(name: Method): Pick<Driver, Method> | undefined => {
    const method = inner[name];
    if (method === undefined || without.includes(name)) return undefined;
    return { [name]: method.bind(inner) } as unknown as Pick<Driver, Method>;
  };
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
    ...kept("exists"),
    ...kept("prepareSet"),
    ...kept("provision"),
    ...kept("describe"),
    ...kept("lostSince"),
    ...overrides,
  };
}

/** Sends a set request. First calls `prepareSet` if the driver has this method and core has not called it. */
export function sendSet(driver: Driver, request: SetRequest): Promise<WriteAnswer> {
  if (driver.prepareSet === undefined || request.prepared !== undefined) return driver.set(request);
  const { bucket, keys, values, deadline, signal } = request;
  const prepared = driver.prepareSet(bucket, keys, values);
  return driver.set(createRequest({ bucket, keys, prepared, deadline, signal }));
}

/** Returns a copy of a request with some parts replaced. The copy is aborted together with the original. */
export function changeRequest(
  request: DriverRequest & Pick<SetRequest, "bucket"> & Partial<SetRequest & ListRequest>,
  changes: Partial<Pick<SetRequest & ListRequest, "bucket" | "keys" | "values" | "cursor">>,
): ReturnType<typeof createRequest> {
  const { bucket, keys, values, cursor, deadline, signal } = request;
  const { bucket: otherBucket = bucket, ...others } = changes;
  const parts = { keys, values, cursor, ...others };
  const present = Object.entries(parts).filter(([, part]) => part !== undefined);
  return createRequest({ bucket: otherBucket, deadline, signal, ...Object.fromEntries(present) });
}

/**
 * Returns a copy of a request that contains only the keys at `indexes` and, for a set request, their values. The copy
 * is aborted together with the original.
 */
export function pickKeys(request: KeysRequest & Partial<SetRequest>, indexes: readonly number[]): SetRequest {
  const { bucket, deadline, keys, values, signal } = request;
  return createRequest({
    bucket,
    deadline,
    signal,
    keys: indexes.map((index) => keys[index] as string),
    values: values?.length ? indexes.map((index) => values[index] as Uint8Array) : undefined,
  });
}
