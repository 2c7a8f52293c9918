import { redisStore } from "@manykv/redis";
import { startRedisCluster } from "@manykv/test-services";
import { Cluster } from "ioredis";
import { manykv } from "../contenders/manykv.js";
import { ioredisKeyByKey } from "../contenders/redis/key-by-key.js";
import type { Backend } from "./backend.js";
import { field } from "./field.js";

export const redisCluster: Backend = {
  name: "redis-cluster",
  mostKeys: 100_000,
  mostVolumeKeys: 1_000_000,
  async open() {
    const service = await startRedisCluster();
    const nodes = service.nodes.map(({ host, port }) => ({ host, port }));
    return {
      server: service.description,
      course: { keysPerSample: 200 },
      batch: async () =>
        field([await manykv(redisStore({ url: service.url })), ioredisKeyByKey(new Cluster(nodes))]),
      volume: async () => ({ backend: "redis-cluster", url: service.url }),
      [Symbol.asyncDispose]: () => service.stop(),
    };
  },
  openStore: ({ url }, timeout) => redisStore({ url, timeout }),
};
