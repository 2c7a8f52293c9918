import { conformanceSuite } from "@manykv/conformance";
import { serviceUrl } from "@manykv/test-services/vitest";
import { afterAll, describe, test } from "vitest";
import { redisDriver } from "../src/index.js";
import { addressesOf, first, urlOf } from "./support/addresses.js";
import { serverFailures, stopOwnServer } from "./support/engine-failures.js";

const servers = addressesOf(serviceUrl("redis"));

afterAll(stopOwnServer);

conformanceSuite(
  { describe: describe.concurrent, test },
  {
    name: "redis",
    servers,
    engineFailures: serverFailures(first(servers)),
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
