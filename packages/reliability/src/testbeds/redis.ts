import type { Driver } from "@manykv/core/driver";
import { redisDriver } from "@manykv/redis";
import { startDedicatedRedis } from "@manykv/test-services";
import { silent } from "./silent.js";
import type { Testbed, TestbedOptions } from "./testbed.js";

export async function redisTestbed({ durable = false }: TestbedOptions): Promise<Testbed> {
  const service = await startDedicatedRedis({ durable, ...silent });
  const { host, port } = service;
  return {
    name: "redis",
    description: service.description,
    servers: [{ host, port }],
    fenced: true,
    driver(route): Driver {
      const address = route({ host, port });
      return redisDriver({ url: `redis://${address.host}:${address.port}` });
    },
    kill: () => service.kill(),
    restart: () => service.restart(),
    [Symbol.asyncDispose]: () => service.stop(),
  };
}
