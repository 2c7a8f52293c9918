import { conformanceSuite } from "@manykv/conformance";
import { describe, test } from "vitest";
import { dynamodbDriver } from "../src/index.js";
import { engineFailures } from "./support/engine-failures.js";
import { knownServers } from "./support/known-servers.js";
import { invalidSettings, variantsOf } from "./support/settings.js";
import { testTable } from "./support/test-table.js";

const { name: table, endpoint } = testTable();
const url = new URL(endpoint);
const server = { host: url.hostname, port: Number(url.port) };

conformanceSuite(
  { describe: describe.concurrent, test },
  {
    name: "dynamodb",
    servers: [server],
    child: { file: new URL("./support/child.mjs", import.meta.url), data: { table, server } },
    variants: variantsOf(table, endpoint),
    knownServers: knownServers({ name: table, endpoint }),
    invalidSettings,
    refusals: [
      {
        what: "a table that does not exist",
        code: "no-such-store",
        driver: () => dynamodbDriver({ table: "no_such_table", endpoint }),
      },
    ],
    engineFailures: engineFailures(table, endpoint),
    modelRuns: 1_000,
    skip: {
      "same-process-frozen-built-ins": "on Node.js 20, the AWS SDK does not load in such a program",
    },
    driver: (route) => {
      const { host, port } = route(server);
      return dynamodbDriver({ table, endpoint: `http://${host}:${port}` });
    },
  },
);
