import { StoreError, type StoreOptions } from "@manykv/core";
import { checkOptions } from "@manykv/core/driver";
import type { Pool } from "pg";
import { checkPool } from "./connection/check-pool.js";
import type { EmbeddedPostgres } from "./connection/embedded-runner.js";

/** Options that say where the table is. Pass `url`, `pool` or `pglite`. */
export interface PostgresDriverOptions {
  /**
   * `postgres://user:password@host:5432/database`, also with several hosts: `host:5432,host:5432`. The URL may have the
   * parameters `table`, `max` (connections, default 10), `connect_timeout` (in seconds, default 5), `prepare`, and some
   * parameters of libpq and pg. The README lists all of them.
   */
  readonly url?: string | undefined;
  /**
   * Returns the password for each new connection, for example a token that expires. Requires `url`, which must then
   * contain no password. If the function rejects, manykv repeats the request and finally reports `unavailable`. If the
   * function returns no string or an empty one, the request fails with `access-denied`. If the server refuses the
   * password, manykv asks for new passwords for one second. Then the request fails with `access-denied`.
   */
  readonly password?: (() => Promise<string>) | undefined;
  /**
   * A `Pool` of pg. manykv does not change its settings, and `close()` does not end it. The pool must connect to the
   * primary, because a standby may lack recent writes.
   */
  readonly pool?: Pool | undefined;
  /**
   * A `PGlite` of `@electric-sql/pglite` 0.4 or 0.5: Postgres in this process. `close()` does not close it. Its only
   * session also runs the statements of the application. manykv waits until `pglite.transaction()` has ended, so do not
   * wait for manykv inside it.
   */
  readonly pglite?: EmbeddedPostgres | undefined;
  /**
   * `name` or `schema.name`. Each part has 1 to 63 characters of `a-z A-Z 0-9 _ -` and starts with a letter or `_`.
   * Default: the URL's parameter `table`, or else `manykv`.
   */
  readonly table?: string | undefined;
  /**
   * Whether to prepare statements, which saves the server from parsing them each time. Pass `false` for a pooler that
   * does not support named statements, such as PgBouncer before 1.21 in transaction mode, or that reserves a server
   * connection for them, such as RDS Proxy. Not with `pglite`. Default: the URL's parameter `prepare`, or else `true`.
   */
  readonly prepare?: boolean | undefined;
}

/** The options of `postgresStore`: those of its driver and those of every store. */
export interface PostgresStoreOptions extends StoreOptions, PostgresDriverOptions {}

/**
 * Checks options and returns a copy of them.
 *
 * @throws {StoreError} `invalid-argument` for the first unknown, missing or invalid option. The message names the option.
 */
export function checkDriverOptions(options: PostgresDriverOptions): PostgresDriverOptions {
  const copy = checkOptions(options, ["url", "password", "pool", "pglite", "table", "prepare"]);
  const { url, password, pool, pglite, prepare } = copy;
  const sources = [url, pool, pglite].filter((source) => source !== undefined);
  if (sources.length === 0) throw refuse("the options must contain `url`, `pool` or `pglite`");
  if (sources.length > 1) throw refuse("the options must contain only one of `url`, `pool` and `pglite`");
  if (prepare !== undefined && typeof prepare !== "boolean") throw refuse("`prepare` must be true or false");
  if (password !== undefined && typeof password !== "function") {
    throw refuse("`password` must be a function that returns a promise of the password");
  }
  if (password !== undefined && url === undefined) throw refuse("`password` requires `url`");
  if (pglite !== undefined) checkPGlite(pglite, prepare);
  if (pool !== undefined) checkPool(pool);
  return copy;
}

function checkPGlite(pglite: EmbeddedPostgres, prepare: boolean | undefined): void {
  const needed = ["_runExclusiveTransaction", "runExclusive", "execProtocol"] as const;
  if (needed.some((name) => typeof pglite?.[name] !== "function") || typeof pglite.waitReady?.then !== "function") {
    throw refuse("`pglite` must be a PGlite from @electric-sql/pglite 0.4 or 0.5");
  }
  if (prepare !== undefined) throw refuse("`prepare` has no effect with `pglite`: remove it");
}

export function refuse(text: string): StoreError {
  return new StoreError("invalid-argument", text);
}

/** One part of a table name. Postgres truncates longer parts: https://www.postgresql.org/docs/current/limits.html */
const part = /^[A-Za-z_][A-Za-z0-9_-]{0,62}$/;

/**
 * Quotes the name of a table for SQL, such as `"manykv"` or `"app"."manykv"`. Quoting preserves upper and lower case.
 *
 * @throws {StoreError} `invalid-argument` if the name is not valid.
 */
export function quoteTableName(name: unknown): string {
  const parts = typeof name === "string" ? name.split(".") : [];
  if (parts.length < 1 || parts.length > 2 || !parts.every((one) => part.test(one))) {
    throw refuse("`table` must be name or schema.name, and each part must match [A-Za-z_][A-Za-z0-9_-]{0,62}");
  }
  return parts.map((one) => `"${one}"`).join(".");
}
