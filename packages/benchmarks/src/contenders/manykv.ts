import type { KeyValue, Store } from "@manykv/core";
import type { Contender } from "../measure/contender.js";
import { uniqueName } from "./common.js";

/** Returns a contender that uses a store of manykv. Closing the contender closes the store. */
export async function manykv(store: Store, name = "manykv"): Promise<Contender> {
  await store.provision();
  const bucket = await store.open(uniqueName());
  return {
    name,
    kind: "manykv",
    prepare({ keys, values, readKeys }) {
      const [key, value, readKey] = [keys[0] as string, values[0] as Uint8Array, readKeys[0] as string];
      if (keys.length === 1) {
        return {
          set: () => bucket.set(key, value),
          get: async () => {
            const found = await bucket.get(readKey);
            return () => [found];
          },
          delete: () => bucket.delete(key),
        };
      }
      const entries = keys.map((each, index) => [each, values[index]] as unknown as KeyValue);
      return {
        set: () => bucket.setMany(entries),
        get: async () => {
          const pairs = await bucket.getMany(readKeys);
          return () => pairs.map((pair) => pair?.[1]);
        },
        delete: () => bucket.deleteMany(keys),
      };
    },
    close: () => store.close(),
  };
}

/** Returns a contender that makes one call per key, all at once. With `coalesce`, manykv batches the calls. */
export async function manykvKeyByKey(
  store: Store,
  { coalesce = false }: { coalesce?: boolean } = {},
): Promise<Contender> {
  const bucket = await store.open(uniqueName(), { coalesce });
  return {
    name: coalesce ? "manykv, coalesced" : "manykv, key by key",
    kind: "manykv",
    prepare: ({ keys, values, readKeys }) => ({
      set: () => Promise.all(keys.map((key, index) => bucket.set(key, values[index] as Uint8Array))),
      get: async () => {
        const found = await Promise.all(readKeys.map((key) => bucket.get(key)));
        return () => found;
      },
      delete: () => Promise.all(keys.map((key) => bucket.delete(key))),
    }),
    close: () => store.close(),
  };
}
