import { type Address, conformanceSuite, type Route } from "@manykv/conformance";
import type { Driver } from "@manykv/core";
import { serviceUrl } from "@manykv/test-services/vitest";
import { Cluster } from "ioredis";
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
    child: { file: new URL("./support/child.mjs", import.meta.url), data: { server: first(servers) } },
    refusals: [
      {
        what: "a wrong password",
        code: "access-denied",
        driver: () => redisDriver({ url: urlOf(first(servers)).replace("//", "//user:wrong@") }),
      },
      {
        what: "a database that does not exist",
        code: "no-such-store",
        driver: () => redisDriver({ url: `${urlOf(first(servers))}/99999` }),
      },
      {
        what: "a single server used as a cluster",
        code: "unavailable",
        driver: () => redisDriver({ url: urlOf(first(servers)).replace("redis:", "redis+cluster:") }),
      },
      {
        what: "a server without TLS",
        code: "unavailable",
        driver: () => redisDriver({ url: urlOf(first(servers)).replace("redis:", "rediss:") }),
      },
      {
        what: "a server used as a sentinel",
        code: "unavailable",
        driver: () => redisDriver({ url: `${urlOf(first(servers)).replace("redis:", "redis+sentinel:")}/main` }),
      },
    ],
  },
);

conformanceSuite(
  { describe, test },
  {
    name: "redis cluster",
    modelRuns: 1_000,
    driver: () => redisDriver({ url: serviceUrl("redis-cluster") }),
    child: { file: new URL("./support/child.mjs", import.meta.url), data: { url: serviceUrl("redis-cluster") } },
    refusals: [
      {
        what: "a wrong password",
        code: "access-denied",
        driver: () => redisDriver({ url: serviceUrl("redis-cluster").replace("//", "//user:wrong@") }),
      },
      {
        what: "a cluster used as a single server",
        code: "unavailable",
        driver: () => redisDriver({ url: urlOf(first(nodes)) }),
      },
    ],
  },
);

const retries = "the caller's client retries by itself until the deadline, and reports no code";
const reconnects = "after disconnect(), an ioredis Cluster that was connecting keeps the process alive";

// Only a client can map the addresses that a cluster announces.
conformanceSuite(
  { describe, test },
  {
    name: "redis cluster with the caller's client",
    servers: nodes,
    skip: {
      "same-network-unknown-host": retries,
      "same-network-unreachable": retries,
      "s16-network-process-connecting": reconnects,
      "s16-network-process-refused": reconnects,
      "same-process-with-open-store": "an open ioredis client keeps the process alive, and this client is the caller's",
    },
    child: { file: new URL("./support/cluster-child.mjs", import.meta.url), data: { nodes } },
    driver: async (route) => {
      const client = clusterThrough(route);
      // An injected fault may break the first connection. The client then reconnects by itself.
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

/** Makes `close` of a driver also call `end`, which closes the client: the suite closes only the driver. */
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
  if (address === undefined) throw new Error("the Redis URL contains no server address");
  return address;
}

function urlOf({ host, port }: Address): string {
  return `redis://${host}:${port}`;
}
