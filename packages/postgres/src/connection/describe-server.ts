import type { Finding } from "@manykv/core";
import type { DriverDescription } from "@manykv/core/driver";
import { Statement } from "../protocol/statement.js";
import type { ServerSession } from "./server-session.js";

export const readVersion: Statement = new Statement("SELECT version()");

/** Products that speak Postgres's protocol, by a text that only their `version()` contains. */
const products: readonly (readonly [text: RegExp, product: string])[] = [
  [/CockroachDB \w+ v([0-9.]+)/, "cockroachdb"],
  [/-YB-([0-9.]+)/, "yugabytedb"],
  [/^PostgreSQL ([0-9.]+)/, "postgresql"],
];

/** What prevents manykv from terminating the server process of a lost write, and what to do. */
const obstacles = {
  pooler: "a pooler hides the server processes: connect directly to the server",
  role: "the role cannot see or terminate its own server processes: connect with a role that is not changed by SET ROLE, and grant it EXECUTE on pg_terminate_backend",
  server: "the server does not list its processes as PostgreSQL does: use PostgreSQL if late writes would be a problem",
};

/** Describes a server by its `version()` and what is known about one session. */
export function describeServer(version: string, session: ServerSession, isRefused: boolean): DriverDescription {
  const [pattern, product] = products.find(([text]) => text.test(version)) ?? [];
  const obstacle = "hiddenBy" in session ? session.hiddenBy : isRefused ? "role" : undefined;
  const findings: Finding[] = [];
  if (obstacle !== undefined) {
    const message = `A write whose response was lost may take effect later, because ${obstacles[obstacle]}.`;
    findings.push({ code: "cannot-settle", severity: "warning", message });
  }
  return {
    product,
    version: pattern?.exec(version)?.[1],
    topology: obstacle === "pooler" ? "pooler" : undefined,
    settlesLostWrites: obstacle === undefined,
    findings,
  };
}
