import { createStorage } from "unstorage";
import redisDriver from "unstorage/drivers/redis";
import type { Contender } from "../../measure/contender.js";
import { ownName } from "../own-name.js";
import { sameBytes } from "../same-bytes.js";

/** unstorage's batches hold text, so bytes are put into it as their users do. It has no batch that deletes. */
export function unstorageRedis(url: string): Contender {
  const storage = createStorage<string>({ driver: redisDriver({ url, base: ownName() }) });
  return {
    name: "unstorage redis",
    kind: "peer",
    prepare: ({ keys, values, readKeys }) => ({
      set: () =>
        storage.setItems(
          keys.map((key, index) => ({
            key,
            value: `base64:${sameBytes(values[index]).toString("base64")}`,
          })),
        ),
      get: async () => {
        const items = await storage.getItems<string>([...readKeys]);
        const found = items.map(({ value }) =>
          value === null ? undefined : Buffer.from(value.slice(7), "base64"),
        );
        return () => found;
      },
      delete: () => Promise.all(keys.map((key) => storage.removeItem(key))),
    }),
    close: async () => storage.dispose(),
  };
}
