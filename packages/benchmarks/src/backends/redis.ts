import { redisStore } from "@manykv/redis";
import { startRedis, startRedisCluster } from "@manykv/test-services";
import { keyvRedis, unstorageRedis } from "../contenders/libraries.js";
import { manykv, manykvKeyByKey } from "../contenders/manykv.js";
import {
  glide,
  glideCluster,
  ioredis,
  ioredisCluster,
  nodeRedis,
  nodeRedisCluster,
  rawSocket,
} from "../contenders/redis.js";
import { ContenderSet } from "../measure/contender.js";
import { type Backend, through } from "./backend.js";

const shared = {
  keysPerSample: 200,
  mostVolumeKeys: 1_000_000,
  openStore: ({ url }, timeout) => redisStore({ url, timeout }),
} satisfies Partial<Backend>;

export const redis: Backend = {
  ...shared,
  name: "redis",
  title: "Redis",
  async start() {
    const service = await startRedis({ print: console.error });
    const { url } = service;
    return {
      server: service.description,
      address: service,
      contenders: async (scope) => {
        const clients = [manykv(redisStore({ url })), ioredis(url), nodeRedis(url), glide(url)];
        if (scope === "clients") return ContenderSet.open(clients);
        return ContenderSet.open([...clients, keyvRedis(url), unstorageRedis(url), rawSocket(service)]);
      },
      contendersOver: async (link) => {
        const far = through(url, link);
        return ContenderSet.open([
          manykv(redisStore({ url: far })),
          manykvKeyByKey(redisStore({ url: far })),
          manykvKeyByKey(redisStore({ url: far }), { coalesce: true }),
          ioredis(far, "one per key"),
          ioredis(far),
        ]);
      },
      storeAddress: () => ({ backend: "redis", url }),
      [Symbol.asyncDispose]: () => service.stop(),
    };
  },
};

export const redisCluster: Backend = {
  ...shared,
  name: "redis-cluster",
  title: "Redis Cluster",
  async start() {
    const { url, nodes, description, stop } = await startRedisCluster({ print: console.error });
    return {
      server: description,
      contenders: async () =>
        ContenderSet.open([
          manykv(redisStore({ url })),
          ioredisCluster(nodes),
          nodeRedisCluster(nodes),
          glideCluster(nodes),
        ]),
      storeAddress: () => ({ backend: "redis-cluster", url }),
      [Symbol.asyncDispose]: () => stop(),
    };
  },
};
