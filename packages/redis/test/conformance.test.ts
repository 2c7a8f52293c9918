import { type Address, conformanceSuite, type Route } from "@manykv/conformance";
import type { Driver } from "@manykv/core";
import { serviceUrl } from "@manykv/test-services/vitest";
import { Cluster, Redis } from "ioredis";
import { describe, test } from "vitest";
import { redisDriver } from "../src/index.js";
import { addressesOf } from "./support/addresses.js";

const servers = addressesOf(serviceUrl("redis"));
const nodes = addressesOf(serviceUrl("redis-cluster"));

conformanceSuite(
  { describe, test },
  {
    name: "redis",
    servers,
    modelRuns: 1_000,
    driver: (route) => redisDriver({ url: urlOf(route(first(servers))) }),
  },
);

conformanceSuite(
  { describe, test },
  {
    name: "redis with the caller's client",
    servers,
    driver: async (route) => {
      const client = new Redis({ ...route(first(servers)), lazyConnect: true });
      client.on("error", () => {});
      // It may meet a fault right away, and tries again by itself.
      await client.connect().catch(() => {});
      return closing(redisDriver({ client }), () => client.disconnect());
    },
  },
);

conformanceSuite(
  { describe, test },
  {
    name: "redis cluster",
    modelRuns: 1_000,
    driver: () => redisDriver({ url: serviceUrl("redis-cluster") }),
  },
);

// The addresses that a cluster names can be mapped by a client alone.
conformanceSuite(
  { describe, test },
  {
    name: "redis cluster with the caller's client",
    servers: nodes,
    driver: async (route) => {
      const client = clusterThrough(route);
      // It may meet a fault right away, and tries again by itself.
      await client.connect().catch(() => {});
      return closing(redisDriver({ client }), () => client.disconnect());
    },
  },
);

function clusterThrough(route: Route): Cluster {
  const client = new Cluster(nodes.map(route), {
    lazyConnect: true,
    natMap: Object.fromEntries(nodes.map((node) => [`${node.host}:${node.port}`, route(node)])),
  });
  client.on("error", () => {});
  return client;
}

/** The suite knows of a driver alone, so the client ends with it. */
function closing(driver: Driver, end: () => void): Driver {
  const close = driver.close.bind(driver);
  driver.close = async () => {
    await close();
    end();
  };
  return driver;
}

function first(addresses: readonly Address[]): Address {
  const [address] = addresses;
  if (address === undefined) throw new Error("no server");
  return address;
}

function urlOf({ host, port }: Address): string {
  return `redis://${host}:${port}`;
}
