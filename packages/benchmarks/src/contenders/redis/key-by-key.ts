import type { Cluster, Redis } from "ioredis";
import type { Contender } from "../../measure/contender.js";
import { ownName } from "../own-name.js";
import { sameBytes } from "../same-bytes.js";

/** The client as people use it where a batch command would cross nodes: one command a key, all of them at once. */
export function ioredisKeyByKey(client: Redis | Cluster): Contender {
  const prefix = `${ownName()}:`;
  return {
    name: "ioredis, key by key",
    kind: "client",
    prepare({ keys, values, readKeys }) {
      const named = keys.map((key) => prefix + key);
      const asked = readKeys.map((key) => prefix + key);
      const buffers = values.map(sameBytes);
      return {
        set: () => Promise.all(named.map((key, index) => client.set(key, buffers[index] as Buffer))),
        get: async () => {
          const found = await Promise.all(asked.map((key) => client.getBuffer(key)));
          return () => found.map((value) => value ?? undefined);
        },
        delete: () => Promise.all(named.map((key) => client.del(key))),
      };
    },
    close: async () => client.disconnect(),
  };
}
