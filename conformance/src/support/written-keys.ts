import type { Driver } from "@manykv/core/driver";
import { type AnyRequest, keysOf, wrapDriver } from "../faults/wrap-driver.js";

/** The keys that a case may have written, by bucket. */
export type WrittenKeys = Map<string, Set<string>>;

/**
 * Returns a driver that adds the keys of every request that can create keys to `written`, so that the suite can delete
 * these keys when the case ends.
 */
export function recordWrites(driver: Driver, written: WrittenKeys): Driver {
  const note = (request: AnyRequest): void => {
    const { bucket = "" } = request;
    const keys = written.get(bucket) ?? new Set();
    written.set(bucket, keys);
    for (const key of keysOf(request)) keys.add(key);
  };
  const { setIfAbsent, increment, compareAndSwap } = driver;
  return wrapDriver(driver, {
    set(request) {
      note(request);
      return driver.set(request);
    },
    ...(setIfAbsent && {
      setIfAbsent(request) {
        note(request);
        return setIfAbsent.call(driver, request);
      },
    }),
    ...(increment && {
      increment(request) {
        note(request);
        return increment.call(driver, request);
      },
    }),
    ...(compareAndSwap && {
      compareAndSwap(request) {
        note(request);
        return compareAndSwap.call(driver, request);
      },
    }),
  });
}
