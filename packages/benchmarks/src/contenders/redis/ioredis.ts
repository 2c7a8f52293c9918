import type { Redis } from "ioredis";
import type { Contender } from "../../measure/contender.js";
import { ownName } from "../own-name.js";
import { sameBytes } from "../same-bytes.js";

/** The client as people use it: one `MSET`, `MGET` or `DEL` for the batch. */
export function ioredisBatch(client: Redis): Contender {
  const prefix = `${ownName()}:`;
  return {
    name: "ioredis",
    kind: "client",
    prepare({ keys, values, readKeys }) {
      const named = keys.map((key) => prefix + key);
      const asked = readKeys.map((key) => prefix + key);
      const flat = named.flatMap((key, index) => [key, sameBytes(values[index])]);
      return {
        set: () => client.mset(flat),
        get: async () => {
          const found = await client.mgetBuffer(asked);
          return () => found.map((value) => value ?? undefined);
        },
        delete: () => client.del(named),
      };
    },
    close: async () => client.disconnect(),
  };
}
