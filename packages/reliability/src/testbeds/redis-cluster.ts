import type { Driver } from "@manykv/core/driver";
import { redisDriver } from "@manykv/redis";
import { closing, type DedicatedRedisCluster, startDedicatedRedisCluster } from "@manykv/test-services";
import { Cluster } from "ioredis";
import { silent } from "./silent.js";
import type { Route, Testbed, TestbedOptions } from "./testbed.js";

export interface ClusterTestbed extends Testbed {
  readonly service: DedicatedRedisCluster;
}

export async function redisClusterTestbed(
  { durable = false }: TestbedOptions,
  nodeTimeout = 15_000,
): Promise<ClusterTestbed> {
  const service = await startDedicatedRedisCluster({ durable, nodeTimeout, ...silent });
  const servers = service.nodes.map(({ host, port }) => ({ host, port }));
  return {
    name: "redis-cluster",
    description: service.description,
    servers,
    fenced: true,
    service,
    driver: (route) => routedDriver(servers, route),
    kill: async () => {
      await Promise.all(service.nodes.map((node) => node.kill()));
    },
    restart: async () => {
      await Promise.all(service.nodes.map((node) => node.restart()));
    },
    [Symbol.asyncDispose]: () => service.stop(),
  };
}

/** Returns a driver that connects through `route`. `natMap` replaces the addresses that the nodes report. */
function routedDriver(servers: Testbed["servers"], route: Route): Driver {
  const client = new Cluster(servers.map(route), {
    lazyConnect: true,
    natMap: (key: string) => {
      const [host = "", port = ""] = key.split(":");
      return route({ host, port: Number(port) });
    },
  });
  client.on("error", () => {});
  return closing(redisDriver({ client }), () => client.disconnect());
}
