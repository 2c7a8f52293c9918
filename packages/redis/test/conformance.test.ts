import { conformanceSuite } from "@manykv/conformance";
import { serviceUrl } from "@manykv/test-services/vitest";
import { Redis } from "ioredis";
import { createClient } from "redis6";
import { afterAll, describe, test } from "vitest";
import { redisDriver } from "../src/index.js";
import { addressesOf, first, urlOf } from "./support/addresses.js";
import { serverFailures, stopOwnServer } from "./support/engine-failures.js";
import { knownServers, productVariants } from "./support/known-servers.js";
import { invalidSettings, serverVariants } from "./support/settings.js";

const servers = addressesOf(serviceUrl("redis"));
const wrong = { username: "user", password: "wrong" };

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
    variants: [...serverVariants(first(servers)), ...productVariants(first(servers))],
    knownServers: knownServers(first(servers)),
    invalidSettings,
    refusals: [
      {
        what: "a wrong password",
        code: "access-denied",
        driver: () => redisDriver({ url: urlOf(first(servers)).replace("//", "//user:wrong@") }),
      },
      {
        what: "a token that the server rejects",
        code: "access-denied",
        driver: () =>
          redisDriver({
            url: urlOf(first(servers)),
            credentials: async () => ({ username: "user", password: "expired" }),
          }),
      },
      {
        what: "a function that returns no token",
        code: "invalid-argument",
        driver: () =>
          redisDriver({ url: urlOf(first(servers)), credentials: async () => ({ password: undefined as never }) }),
      },
      {
        what: "a wrong password in the settings of an ioredis client",
        code: "access-denied",
        driver: () => redisDriver({ client: new Redis({ ...first(servers), ...wrong, lazyConnect: true }) }),
      },
      {
        what: "a wrong password in the settings of a node-redis client",
        code: "access-denied",
        driver: () => redisDriver({ nodeRedis: createClient({ socket: first(servers), ...wrong }) }),
      },
      {
        what: "a wrong password of a provider of node-redis",
        code: "access-denied",
        driver: () =>
          redisDriver({
            nodeRedis: createClient({
              socket: first(servers),
              credentialsProvider: { type: "async-credentials-provider", credentials: async () => wrong },
            }),
          }),
      },
      {
        what: "a database that does not exist in the settings of a node-redis client",
        code: "no-such-store",
        driver: () => redisDriver({ nodeRedis: createClient({ socket: first(servers), database: 99_999 }) }),
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
