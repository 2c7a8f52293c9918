import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type ConformanceHarness, describeFailure, type EngineFailure, runSuite } from "@manykv/conformance";
import type { Fault } from "@manykv/core/driver";
import { openStore } from "manykv";
import { createPool } from "mysql2/promise";
import { afterAll, expect, test } from "vitest";
import { MariadbDriver, mariadbStore } from "../dist/mariadb/mariadb-backend.js";
import { startMariadb } from "./servers/mariadb.js";

const server = await startMariadb();
const admin = createPool({ uri: server.url, connectionLimit: 1 });
afterAll(async () => {
  await admin.end();
  await server[Symbol.asyncDispose]();
});

const store = mariadbStore({ url: server.url });
await store.provision();
await store.close();

test("openStore and the command can use the backend", async () => {
  await using opened = await openStore(server.url, { backends: { mariadb: () => import("../dist/mariadb/index.js") } });
  await (await opened.open("shop")).set("apples", Buffer.from("3"));
  const { stdout } = await promisify(execFile)(process.execPath, [
    fileURLToPath(import.meta.resolve("manykv").replace(/index\.js$/, "command/main.js")),
    ...["get", "apples", "--bucket", "shop", "--store", server.url],
    ...["--backend", fileURLToPath(new URL("../dist/mariadb/index.js", import.meta.url))],
  ]);
  expect(stdout).toBe("3");
});

// #region failures
/** Makes statements that write a key with a certain word fail with an error of the server. */
function trigger(what: string, errno: number, expected: Omit<Fault, "effect">): EngineFailure {
  const fail = `SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = ${errno}, MESSAGE_TEXT = 'a trigger'`;
  return {
    what,
    operations: ["set", "delete"],
    scope: "request",
    expected: { ...expected, effect: "none" },
    open: ({ failing }) => ({
      driver: new MariadbDriver(server.url),
      async start() {
        const test = (row: string): string => `FOR EACH ROW IF INSTR(${row}.k, '${failing}') THEN ${fail}; END IF`;
        await admin.query(`CREATE OR REPLACE TRIGGER i_${failing} BEFORE INSERT ON manykv ${test("NEW")}`);
        await admin.query(`CREATE OR REPLACE TRIGGER d_${failing} BEFORE DELETE ON manykv ${test("OLD")}`);
      },
      async stop() {
        for (const event of ["i", "d"]) await admin.query(`DROP TRIGGER IF EXISTS ${event}_${failing}`);
      },
    }),
  };
}

/** Takes away the permissions of a user. */
const revoked: EngineFailure = {
  what: "refuses a user without permissions",
  operations: ["get", "set", "delete", "list"],
  scope: "request",
  expected: { code: "access-denied", retryable: false, effect: "none", reason: "ER_TABLEACCESS_DENIED_ERROR" },
  async open({ failing: user }) {
    const permissions = "SELECT, INSERT, UPDATE, DELETE ON manykv";
    await admin.query(`CREATE USER ${user}@'%'`);
    // Without any permission, the user could not open the database.
    await admin.query(`GRANT INDEX, ${permissions} TO ${user}@'%'`);
    return {
      driver: new MariadbDriver(Object.assign(new URL(server.url), { username: user, password: "" }).href),
      start: async () => void (await admin.query(`REVOKE ${permissions} FROM ${user}@'%'`)),
      stop: async () => void (await admin.query(`GRANT ${permissions} TO ${user}@'%'`)),
      close: async () => void (await admin.query(`DROP USER ${user}@'%'`)),
    };
  },
};
// #endregion failures

// #region harness
const harness: ConformanceHarness = {
  name: "mariadb",
  servers: [server],
  driver: (route) => {
    const { host, port } = route(server);
    return new MariadbDriver(Object.assign(new URL(server.url), { host: `${host}:${port}` }).href);
  },
  child: {
    file: new URL("support/mariadb-child.mjs", import.meta.url),
    data: { url: server.url, server: { host: server.host, port: server.port } },
  },
  refusals: [
    {
      what: "a wrong password",
      code: "access-denied",
      driver: () => new MariadbDriver(Object.assign(new URL(server.url), { password: "wrong" }).href),
    },
  ],
  engineFailures: [
    trigger("has no space left", 1114, { code: "throttled", retryable: true, reason: "ER_RECORD_FILE_FULL" }),
    trigger("ends a deadlock", 1213, { code: "throttled", retryable: true, reason: "ER_LOCK_DEADLOCK" }),
    trigger("is read-only", 1836, { code: "unavailable", retryable: true, reason: "ER_READ_ONLY_MODE" }),
    trigger("does not find its table", 1146, { code: "no-such-store", retryable: false, reason: "ER_NO_SUCH_TABLE" }),
    revoked,
  ],
  skip: { "same-process-frozen-built-ins": "mysql2 cannot connect if built-in prototypes are frozen" },
};
// #endregion harness

test("the MariaDB backend passes the conformance suite", { timeout: 900_000 }, async () => {
  const { results, counts } = await runSuite(harness, { concurrency: 4 });
  const failures = results.filter(({ status }) => status === "failed");
  expect(failures.map(describeFailure).join("\n\n")).toBe("");
  expect(counts.passed).toBeGreaterThan(400);
});
