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
    const service = await startRedis();
    const { url } = service;
    return {
      server: service.description,
      address: service,
      contenders: async (scope) => {
        const clients = [
          await manykv(redisStore({ url })),
          await ioredis(url),
          await nodeRedis(url),
          await glide(url),
        ];
        if (scope === "clients") return new ContenderSet(clients);
        return new ContenderSet([
          ...clients,
          await keyvRedis(url),
          await unstorageRedis(url),
          await rawSocket(service),
        ]);
      },
      contendersOver: async (link) => {
        const far = through(url, link);
        return new ContenderSet([
          await manykv(redisStore({ url: far })),
          await manykvKeyByKey(redisStore({ url: far })),
          await manykvKeyByKey(redisStore({ url: far }), { coalesce: true }),
          await ioredis(far, "one per key"),
          await ioredis(far),
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
    const { url, nodes, description, stop } = await startRedisCluster();
    return {
      server: description,
      contenders: async () =>
        new ContenderSet([
          await manykv(redisStore({ url })),
          await ioredisCluster(nodes),
          await nodeRedisCluster(nodes),
          await glideCluster(nodes),
        ]),
      storeAddress: () => ({ backend: "redis-cluster", url }),
      [Symbol.asyncDispose]: () => stop(),
    };
  },
};
