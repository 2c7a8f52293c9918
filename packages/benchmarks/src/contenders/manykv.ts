import type { KeyValue, Store } from "@manykv/core";
import type { Contender } from "../measure/contender.js";
import { ownName } from "./own-name.js";

/** The library itself, with everything on. Closes the store. */
export async function manykv(store: Store, name = "manykv"): Promise<Contender> {
  await store.provision();
  const bucket = await store.open(ownName());
  return {
    name,
    kind: "manykv",
    prepare({ keys, values, readKeys }) {
      const entries = keys.map((key, index): KeyValue => [key, values[index] as Uint8Array]);
      return {
        set: () => bucket.setMany(entries),
        get: async () => {
          const pairs = await bucket.getMany(readKeys);
          return () => pairs.map((pair) => pair?.[1]);
        },
        delete: () => bucket.deleteMany(keys),
      };
    },
    settle: async () => {
      await bucket.set("settle", new Uint8Array(1));
      await bucket.get("settle");
      await bucket.delete("settle");
    },
    close: () => store.close(),
  };
}
