import { createStore } from "@manykv/core";
import { redisDriver, redisStore } from "@manykv/redis";
import { startRedis } from "@manykv/test-services";
import { Redis } from "ioredis";
import { directDriver } from "../contenders/core/direct-driver.js";
import { manykv } from "../contenders/manykv.js";
import { ioredisBatch } from "../contenders/redis/ioredis.js";
import { keyvRedis } from "../contenders/redis/keyv.js";
import { rawSocket } from "../contenders/redis/raw-socket.js";
import { unstorageRedis } from "../contenders/redis/unstorage.js";
import type { Backend } from "./backend.js";

export const redis: Backend = {
  name: "redis",
  mostKeys: 100_000,
  async open() {
    const service = await startRedis();
    const { url, host, port } = service;
    return {
      server: service.description,
      course: { keysPerSample: 200 },
      tracks: {
        batch: async () => [
          await manykv(redisStore({ url })),
          ioredisBatch(new Redis(url)),
          keyvRedis(url),
          unstorageRedis(url),
          await rawSocket(host, port),
        ],
        core: async () => {
          const driver = redisDriver({ url });
          return [await manykv(createStore(driver)), directDriver(driver)];
        },
      },
      [Symbol.asyncDispose]: () => service.stop(),
    };
  },
};
