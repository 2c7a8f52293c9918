import type { Store } from "@manykv/core";
import { createRequest, type Driver } from "@manykv/core/driver";
import { listed } from "../support/listed.js";

/** A call without keys. */
export interface ControlCall {
  /** Sends requests to the driver until it has returned everything. */
  request(driver: Driver, bucket: string): Promise<readonly string[]>;
  /** Makes the call through core. */
  call(store: Store, bucket: string): Promise<readonly string[]>;
  /** What both of them return for a bucket with these keys. */
  expected(bucket: string, keys: readonly string[]): readonly string[];
}

export const controlCalls: { readonly [Name in "list" | "listBuckets" | "sweep"]: ControlCall } = {
  list: {
    request: async (driver, bucket) => {
      const keys = new Set<string>();
      let cursor: string | undefined;
      do {
        const page = await driver.list(createRequest({ bucket, prefix: "", cursor }));
        for (const key of page.keys) keys.add(key);
        cursor = page.cursor;
      } while (cursor !== undefined);
      return [...keys].sort();
    },
    call: async (store, bucket) => listed(await store.open(bucket)),
    expected: (_, keys) => [...keys].sort(),
  },
  // The server may hold many other buckets, so these calls look for one.
  listBuckets: {
    request: async (driver, bucket) => {
      let cursor: string | undefined;
      do {
        const page = await driver.listBuckets?.(createRequest({ bucket: "", cursor }));
        if (page?.buckets.includes(bucket)) return [bucket];
        cursor = page?.cursor;
      } while (cursor !== undefined);
      return [];
    },
    call: async (store, bucket) => {
      for await (const name of store.buckets()) if (name === bucket) return [bucket];
      return [];
    },
    expected: (bucket) => [bucket],
  },
  sweep: {
    request: async (driver) => {
      while ((await driver.sweep?.(createRequest({ bucket: "" })))?.done === false);
      return [];
    },
    call: async (store) => {
      await store.sweep();
      return [];
    },
    expected: () => [],
  },
};
