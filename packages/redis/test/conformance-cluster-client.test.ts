import { conformanceSuite, type Route, skipSubject } from "@manykv/conformance";
import { closing } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { Cluster } from "ioredis";
import { describe, test } from "vitest";
import { redisDriver } from "../src/index.js";
import { addressesOf } from "./support/addresses.js";

const nodes = addressesOf(serviceUrl("redis-cluster"));

const retries = "the caller's client retries by itself until the deadline, and reports no code";
const reconnects = "after disconnect(), an ioredis Cluster that was connecting keeps the process alive";

// Only a client can map the addresses that a cluster announces.
conformanceSuite(
  { describe: describe.concurrent, test },
  {
    name: "redis cluster with the caller's client",
    servers: nodes,
    skip: {
      ...skipSubject("core", "conformance-cluster.test.ts runs it"),
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
