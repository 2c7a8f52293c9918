import { TcpProxy } from "@manykv/conformance/faults";
import { createRequest, type Driver } from "@manykv/core/driver";
import { postgresDriver } from "@manykv/postgres";
import { startDedicatedPostgres } from "@manykv/test-services";
import { Client, Pool } from "pg";
import { silent } from "../testbeds/silent.js";
import { brokenBy, unreachable } from "./broken.js";
import { type Provocation, password } from "./provocation.js";

export async function postgresProvocations(): Promise<{
  provocations: readonly Provocation[];
  close(): Promise<void>;
}> {
  const service = await startDedicatedPostgres(silent);
  const { host, port } = service;
  const proxy = await TcpProxy.start({ host, port });
  await administer(service.url, [
    `CREATE ROLE canary LOGIN PASSWORD '${password}'`,
    `CREATE ROLE stranger LOGIN PASSWORD '${password}'`,
    "GRANT CREATE ON SCHEMA public TO canary",
    "CREATE TABLE other (key int, value text)",
    "GRANT ALL ON other TO canary",
  ]);
  const url = (
    user = "canary",
    secret = password,
    at: { host: string; port: number } = { host, port },
    rest = "",
  ): string => `postgres://${user}:${encodeURIComponent(secret)}@${at.host}:${at.port}/manykv${rest}`;
  const own = postgresDriver({ url: url() });
  await own.provision?.(createRequest({ bucket: "canaries" }));
  await own.close();
  const provocations: Provocation[] = [
    { name: "wrong password", driver: () => postgresDriver({ url: url("canary", `${password}!`) }) },
    { name: "no such user", driver: () => postgresDriver({ url: url("nobody") }) },
    { name: "no server", driver: () => postgresDriver({ url: url("canary", password, unreachable) }) },
    { name: "no such database", driver: () => postgresDriver({ url: url().replace("/manykv", "/absent") }) },
    { name: "no such table", driver: () => postgresDriver({ url: url(), table: "absent" }) },
    { name: "not permitted", driver: () => postgresDriver({ url: url("stranger") }) },
    { name: "another table", driver: () => postgresDriver({ url: url(), table: "other" }) },
    { name: "unknown parameter", driver: () => postgresDriver({ url: `${url()}?a=${password}` }) },
    { name: "bad URL", driver: () => postgresDriver({ url: `postgres://canary:${password}@:::/` }) },
    { name: "bad scheme", driver: () => postgresDriver({ url: `postgrey://canary:${password}@${host}/` }) },
    { name: "caller's pool, ended", driver: () => endedPool(url()) },
    { name: "read only", driver: () => postgresDriver({ pool: readOnlyPool(url()) }) },
    ...brokenBy(proxy, () => postgresDriver({ url: url("canary", password, proxy.address) })),
  ];
  return {
    provocations,
    close: async () => {
      await proxy[Symbol.asyncDispose]();
      await service.stop();
    },
  };
}

async function endedPool(url: string): Promise<Driver> {
  const pool = new Pool({ connectionString: url });
  await pool.end();
  return postgresDriver({ pool });
}

function readOnlyPool(url: string): Pool {
  const pool = new Pool({ connectionString: url, options: "-c default_transaction_read_only=on", max: 1 });
  pool.on("error", () => {});
  return pool;
}

async function administer(url: string, statements: readonly string[]): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}
