import { createStore } from "@manykv/core";
import { redisDriver, redisStore } from "@manykv/redis";
import { startRedis } from "@manykv/test-services";
import { Redis } from "ioredis";
import { directDriver } from "../contenders/core/direct-driver.js";
import { manykv } from "../contenders/manykv.js";
import { manykvCoalesced, manykvSingle } from "../contenders/manykv-single.js";
import { ioredisBatch } from "../contenders/redis/ioredis.js";
import { ioredisKeyByKey } from "../contenders/redis/key-by-key.js";
import { keyvRedis } from "../contenders/redis/keyv.js";
import { rawSocket } from "../contenders/redis/raw-socket.js";
import { unstorageRedis } from "../contenders/redis/unstorage.js";
import { openLink } from "../distance/link.js";
import type { Backend } from "./backend.js";
import { field } from "./field.js";
import { through } from "./through.js";

export const redis: Backend = {
  name: "redis",
  mostKeys: 100_000,
  mostVolumeKeys: 1_000_000,
  async open() {
    const service = await startRedis();
    const { url, host, port } = service;
    return {
      server: service.description,
      course: { keysPerSample: 200 },
      batch: async () =>
        field([
          await manykv(redisStore({ url })),
          ioredisBatch(new Redis(url)),
          keyvRedis(url),
          unstorageRedis(url),
          await rawSocket(host, port),
        ]),
      core: async () => {
        const driver = redisDriver({ url });
        return field([await manykv(createStore(driver)), directDriver(driver)]);
      },
      distance: async (delay) => {
        const link = await openLink(host, port, delay);
        const far = through(url, link);
        return field(
          [
            await manykv(redisStore({ url: far })),
            await manykvSingle(redisStore({ url: far })),
            await manykvCoalesced(redisStore({ url: far })),
            ioredisKeyByKey(new Redis(far)),
            ioredisBatch(new Redis(far)),
          ],
          { link },
        );
      },
      volume: async () => ({ backend: "redis", url }),
      [Symbol.asyncDispose]: () => service.stop(),
    };
  },
  openStore: ({ url }, timeout) => redisStore({ url, timeout }),
};
