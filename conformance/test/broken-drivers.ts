import type { Driver } from "@manykv/core/driver";
import { wrapDriver } from "../src/faults/wrap-driver.js";
import type { ConformanceHarness } from "../src/index.js";
import { type ReferenceData, referenceDriver } from "./reference-driver.js";

/** Returns the methods that a broken driver has instead of those of the reference driver. */
export type Change = (inner: Driver) => Partial<Driver>;

/** Returns a harness for the reference driver with other methods. */
export function withMethods(change: Change): ConformanceHarness {
  const data: ReferenceData = new Map();
  return {
    name: "broken",
    modelRuns: 16,
    driver: () => {
      const inner = referenceDriver(data);
      return wrapDriver(inner, change(inner));
    },
  };
}

/** Drivers with one bug each. */
export const broken = {
  /** A mistake that every author makes: a wrong name. */
  throwsInGet: () => ({
    get: async (request) => (request as unknown as { keyList: string[] }).keyList.map(() => undefined) as never,
  }),
  throwsInGetOfSeveral: (inner) => ({
    get: async (request) =>
      request.keys.length > 1 ? ((undefined as unknown as { rows: never }).rows as never) : inner.get(request),
  }),
  keepsDeletedKeys: (inner) => ({
    delete: async (request) => (request.keys.length > 1 ? {} : inner.delete(request)),
  }),
  losesTheLastByte: (inner) => ({
    get: async (request) => {
      const { values, ...answer } = await inner.get(request);
      return { ...answer, values: values.map((value) => (value && value.length > 8 ? value.slice(0, -1) : value)) };
    },
  }),
  failsToClose: () => ({
    close: async () => {
      throw new Error("the pool is closed already");
    },
  }),
  hangsInExists: () => ({ exists: () => new Promise(() => {}) }),
  leavesARejectionUnhandled: (inner) => ({
    list: (request) => {
      void Promise.reject(new Error("the cursor was not awaited"));
      return inner.list(request);
    },
  }),
} satisfies Record<string, Change>;
