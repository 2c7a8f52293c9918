import type { Keyv } from "keyv";
import type { Contender } from "../measure/contender.js";
import { ownName } from "./own-name.js";
import { sameBytes } from "./same-bytes.js";

/** keyv over any of its stores. Its default serializer takes bytes as `Buffer`. */
export function keyv(name: string, store: Keyv): Contender {
  const prefix = ownName();
  return {
    name,
    kind: "peer",
    prepare({ keys, values, readKeys }) {
      const named = keys.map((key) => `${prefix}-${key}`);
      const asked = readKeys.map((key) => `${prefix}-${key}`);
      const entries = named.map((key, index) => ({ key, value: sameBytes(values[index]) }));
      return {
        set: () => store.setMany(entries),
        get: async () => {
          const found = await store.getMany<Buffer>(asked);
          return () => found.map((value) => value ?? undefined);
        },
        delete: () => store.deleteMany(named),
        // Over DynamoDB its batches fail beyond the limits of a request, but single keys can be read.
        readBack: async () => {
          const found: (Buffer | undefined)[] = [];
          for (const key of asked) found.push(await store.get<Buffer>(key));
          return () => found;
        },
      };
    },
    close: () => store.disconnect(),
  };
}
