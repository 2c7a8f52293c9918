import type { Finding } from "@manykv/core";
import type { DriverDescription } from "@manykv/core/driver";
import { Statement } from "../protocol/statement.js";
import type { Obstacle, Run } from "./server-session.js";

export const readVersion: Statement = new Statement("SELECT version()");

/** Returns a statement for settings and properties with which the server may lose acknowledged writes or hide rows. */
function readSettings(table: string): Statement {
  return new Statement(
    "SELECT current_setting('fsync'), current_setting('synchronous_commit'), " +
      `coalesce((SELECT relpersistence FROM pg_class WHERE oid = to_regclass('${table}')), 'p')::text, ` +
      `coalesce(row_security_active(to_regclass('${table}')::oid), false)::int4, ` +
      "EXISTS (SELECT 1 FROM pg_proc WHERE proname = 'aurora_version')::int4",
  );
}

/** Products that speak Postgres's protocol. The first pattern that matches `version()` shows the product. */
const products: readonly (readonly [text: RegExp, product: string])[] = [
  [/CockroachDB \w+ v([0-9.]+)/, "cockroachdb"],
  [/-YB-([0-9.]+)/, "yugabytedb"],
  [/^PostgreSQL ([0-9.]+)/, "postgresql"],
];

/** Why manykv cannot terminate the server process of a lost write, and what to do. */
const obstacles: Readonly<Record<Obstacle, string>> = {
  pooler: "a pooler hides the server processes. If late writes would be a problem, connect directly to the server.",
  role:
    "the role may not see or terminate its own server processes. Do not change the role with SET ROLE, and grant it " +
    "EXECUTE on pg_terminate_backend.",
  server:
    "the server does not list its processes as PostgreSQL does. If late writes would be a problem, use a server that is " +
    "PostgreSQL itself.",
};

/** Describes the server from what it reports about itself. */
export async function describeServer(
  run: Run,
  table: string,
  { hiddenBy }: { readonly hiddenBy?: Obstacle },
): Promise<DriverDescription> {
  const findings: Finding[] = [];
  const add = (code: string, severity: Finding["severity"], message: string): void =>
    void findings.push({ code, severity, message });
  let version = "";
  let isAurora = false;
  await run(readVersion, (row) => {
    version = row.text();
  });
  await run(readSettings(table), (row) => {
    const [fsync, commit, persistence] = [row.text(), row.text(), row.text()];
    if (fsync === "off") {
      add("no-fsync", "data-loss", "A crash of the system may damage all data: set `fsync` to on.");
    }
    if (commit === "off") {
      const message = "A crash of the server may lose acknowledged writes: set `synchronous_commit` to on.";
      add("asynchronous-commit", "data-loss", message);
    }
    if (persistence !== "p") {
      add("unlogged-table", "data-loss", "A crash of the server empties the table: run ALTER TABLE ... SET LOGGED.");
    }
    if (row.integer() === 1) {
      const message =
        "Policies of the table may hide rows from this role. Hidden keys count as missing: use a role with BYPASSRLS.";
      add("row-security", "warning", message);
    }
    isAurora = row.integer() === 1;
  });
  if (hiddenBy !== undefined) {
    const message = `A write whose response was lost may take effect later, because ${obstacles[hiddenBy]}`;
    add("cannot-settle", "warning", message);
  }
  const [pattern, found] = products.find(([text]) => text.test(version)) ?? [];
  const product = found === "postgresql" && isAurora ? "aurora-postgresql" : found;
  return {
    product,
    version: pattern?.exec(version)?.[1],
    topology: hiddenBy === "pooler" ? "pooler" : found === "postgresql" ? "single" : undefined,
    settlesLostWrites: hiddenBy === undefined,
    findings,
  };
}
