import type { Driver } from "@manykv/core/driver";
import { wrapDriver } from "../faults/wrap-driver.js";

/** The keys that a case may have written, by bucket. */
export type WrittenKeys = Map<string, Set<string>>;

/**
 * Returns a driver that adds the keys of every set request to `written`, so that the suite can delete these keys when
 * the case ends.
 */
export function recordWrites(driver: Driver, written: WrittenKeys): Driver {
  return wrapDriver(driver, {
    set(request) {
      const keys = written.get(request.bucket) ?? new Set();
      written.set(request.bucket, keys);
      for (const key of request.keys) keys.add(key);
      return driver.set(request);
    },
  });
}
