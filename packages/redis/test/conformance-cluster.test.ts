import { conformanceSuite } from "@manykv/conformance";
import { serviceUrl } from "@manykv/test-services/vitest";
import { createCluster } from "redis6";
import { afterAll, describe, test } from "vitest";
import { redisDriver } from "../src/index.js";
import { addressesOf, first, urlOf } from "./support/addresses.js";
import { closeProxied, clusterFailures } from "./support/engine-failures.js";
import { knownClusters } from "./support/known-servers.js";
import { clusterVariants } from "./support/settings.js";

const nodes = addressesOf(serviceUrl("redis-cluster"));

afterAll(closeProxied);

conformanceSuite(
  { describe: describe.concurrent, test },
  {
    name: "redis cluster",
    engineFailures: clusterFailures(nodes),
    modelRuns: 1_000,
    driver: () => redisDriver({ url: serviceUrl("redis-cluster") }),
    child: { file: new URL("./support/child.mjs", import.meta.url), data: { url: serviceUrl("redis-cluster") } },
    variants: clusterVariants(nodes),
    knownServers: knownClusters(nodes),
    refusals: [
      {
        what: "a wrong password",
        code: "access-denied",
        driver: () => redisDriver({ url: serviceUrl("redis-cluster").replace("//", "//user:wrong@") }),
      },
      {
        what: "a wrong password in the settings of a node-redis cluster client",
        code: "access-denied",
        driver: () =>
          redisDriver({
            nodeRedis: createCluster({
              rootNodes: nodes.map((socket) => ({ socket })),
              defaults: { username: "user", password: "wrong" },
            }),
          }),
      },
      {
        what: "a cluster used as a single server",
        code: "unavailable",
        driver: () => redisDriver({ url: urlOf(first(nodes)) }),
      },
    ],
  },
);
