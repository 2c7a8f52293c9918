import { type Bucket, coalesce, type Store } from "@manykv/core";
import type { Contender } from "../measure/contender.js";
import { ownName } from "./own-name.js";

/** The library one key at a time, all of them at once. */
export async function manykvSingle(store: Store): Promise<Contender> {
  return singles("manykv, key by key", await store.open(ownName()), store);
}

/** The same code, with what is asked for in one turn made into batches. */
export async function manykvCoalesced(store: Store): Promise<Contender> {
  return singles("manykv, coalesced", coalesce(await store.open(ownName())), store);
}

function singles(name: string, bucket: Bucket, store: Store): Contender {
  return {
    name,
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
