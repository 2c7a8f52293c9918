import { StoreError, type StoreOptions } from "@manykv/core";
import { checkOptions } from "@manykv/core/driver";
import type { Pool } from "pg";
import { isPipelining } from "./connection/pg-internals.js";

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
  if (pool !== undefined) checkPool(pool);
}

function checkPool(pool: Pool): void {
  if (typeof pool?.connect !== "function" || typeof pool.on !== "function") {
    throw refuse("`pool` must be a Pool of pg");
  }
  if (isPipelining(pool)) throw refuse("`pool` must not have pg's option `pipeline`: remove it");
}

export function refuse(text: string): StoreError {
  return new StoreError("invalid-argument", text);
}
