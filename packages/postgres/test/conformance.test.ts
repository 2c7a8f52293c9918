import { conformanceSuite } from "@manykv/conformance";
import { closing, randomName } from "@manykv/test-services";
import pg from "pg";
import { describe, test } from "vitest";
import { postgresDriver } from "../src/index.js";
import { addressOf } from "./support/address-of.js";
import { engineFailures } from "./support/engine-failures.js";
import { knownServers } from "./support/known-servers.js";
import { invalidSettings, variantsOf } from "./support/settings.js";
import { testTable } from "./support/test-table.js";

const table = testTable();
const withoutPassword = Object.assign(new URL(table.url), { password: "" }).href;
const address = addressOf(table.url);

conformanceSuite(
  { describe: describe.concurrent, test },
  {
    name: "postgres",
    servers: [address],
    child: {
      file: new URL("./support/child.mjs", import.meta.url),
      data: { url: table.url, table: table.name, server: address },
    },
    driver: (route) => {
      const { host, port } = route(address);
      const url = new URL(table.url);
      url.host = `${host}:${port}`;
      return postgresDriver({ url: url.href, table: table.name });
    },
    variants: variantsOf(table),
    knownServers: knownServers(),
    invalidSettings,
    refusals: [
      {
        what: "a role that does not exist",
        code: "access-denied",
        driver: () => postgresDriver({ url: Object.assign(new URL(table.url), { username: "no_such_role" }).href }),
      },
      {
        what: "a database that does not exist",
        code: "no-such-store",
        driver: () =>
          postgresDriver({ url: Object.assign(new URL(table.url), { pathname: "/no_such_database" }).href }),
      },
      {
        what: "a database that does not exist in the settings of a pool",
        code: "no-such-store",
        driver: () =>
          postgresDriver({
            pool: new pg.Pool({
              connectionString: Object.assign(new URL(table.url), { pathname: "/no_such_database" }).href,
            }),
          }),
      },
      {
        what: "a function that returns no password",
        code: "access-denied",
        driver: () => postgresDriver({ url: withoutPassword, password: async () => "" }),
      },
      {
        what: "a setting that does not exist",
        code: "invalid-argument",
        driver: () => postgresDriver({ url: `${table.url}?options=-c%20no_such_setting%3D1` }),
      },
      {
        what: "a table that does not exist",
        code: "no-such-store",
        driver: () => postgresDriver({ url: table.url, table: "no_such_table" }),
      },
      {
        what: "a table with text instead of bytes",
        code: "invalid-argument",
        driver: async () => {
          const name = randomName();
          const columns = "key text PRIMARY KEY, value text, expires_at timestamptz, sweep_at timestamptz";
          await table.admin.query(`CREATE TABLE "${name}" (${columns})`);
          const driver = postgresDriver({ url: table.url, table: name });
          return closing(driver, () => table.admin.query(`DROP TABLE "${name}"`));
        },
      },
    ],
    engineFailures: engineFailures(table),
    modelRuns: 1_000,
  },
);
