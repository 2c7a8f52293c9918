import type { Driver } from "@manykv/core";

/**
 * A driver that does what `inner` does, but for the methods in `overrides`. Optional methods that `inner` lacks stay
 * absent; `without` takes away those it has.
 */
export function wrapDriver(
  inner: Driver,
  overrides: Partial<Driver>,
  without: readonly ("exists" | "provision")[] = [],
): Driver {
  const wrapped: Driver = {
    name: inner.name,
    limits: inner.limits,
    ...(inner.keepsValues !== undefined && { keepsValues: inner.keepsValues }),
    get: (request) => inner.get(request),
    set: (request) => inner.set(request),
    delete: (request) => inner.delete(request),
    list: (request) => inner.list(request),
    close: () => inner.close(),
    classify: (error) => inner.classify(error),
    ...optional(inner, without),
    ...overrides,
  };
  return wrapped;
}

function optional(inner: Driver, without: readonly string[]): Partial<Driver> {
  const { exists, prepareSet, provision } = inner;
  return {
    ...(prepareSet && { prepareSet: (...set) => prepareSet.apply(inner, set) }),
    ...(exists && !without.includes("exists") && { exists: (request) => exists.call(inner, request) }),
    ...(provision &&
      !without.includes("provision") && { provision: (request) => provision.call(inner, request) }),
  };
}
