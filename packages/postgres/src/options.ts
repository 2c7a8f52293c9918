import { StoreError, type StoreOptions } from "@manykv/core";
import { checkOptions } from "@manykv/core/driver";
import type { Pool } from "pg";

/** Where the table is: pass either `url` or `pool`. */
export interface PostgresDriverOptions {
  /**
   * `postgres://user:password@host:5432/database`. The README lists its parameters: `table`, `connect_timeout`, and those
   * of libpq that pg supports.
   */
  readonly url?: string | undefined;
  /**
   * A pool of pg. It keeps its settings and stays open when the store is closed. It must connect to the primary, because a
   * standby may lack recent writes.
   */
  readonly pool?: Pool | undefined;
  /** The name of the table, or `schema.name`. Default: the URL's `table`, or `manykv`. */
  readonly table?: string | undefined;
}

export interface PostgresStoreOptions extends StoreOptions, PostgresDriverOptions {}

/** @throws {StoreError} `invalid-argument`, naming the option. */
export function checkDriverOptions(options: PostgresDriverOptions): void {
  checkOptions(options, ["url", "pool", "table"]);
  const { url, pool } = options;
  if ((url === undefined) === (pool === undefined)) throw refuse("the options need either `url` or `pool`");
  if (pool === undefined) return;
  if (typeof pool?.connect !== "function" || typeof pool.on !== "function") {
    throw refuse("`pool` must be a Pool of pg");
  }
  if (pool.options?.pipeline) throw refuse("`pool` must not have pg's option `pipeline`: remove it");
}

export function refuse(text: string): StoreError {
  return new StoreError("invalid-argument", text);
}

/** One part of a name. Postgres truncates longer ones: https://www.postgresql.org/docs/current/limits.html */
const part = /^[A-Za-z_][A-Za-z0-9_-]{0,62}$/;

/**
 * Returns a table's name quoted for SQL: `"manykv"`, `"app"."manykv"`. Quoting keeps upper and lower case.
 *
 * @throws {StoreError} `invalid-argument`
 */
export function quoteTableName(name: unknown): string {
  const parts = typeof name === "string" ? name.split(".") : [];
  if (parts.length < 1 || parts.length > 2 || !parts.every((one) => part.test(one))) {
    throw refuse("`table` must be a name or schema.name of letters, digits, _ and -, with at most 63 characters each");
  }
  return parts.map((one) => `"${one}"`).join(".");
}
