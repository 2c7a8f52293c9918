import { StoreError, type StoreOptions } from "@manykv/core";
import type { Pool } from "pg";

/** Where the table is, and how to get there: `url` or `pool`. */
export interface PostgresDriverOptions {
  /**
   * `postgres://user:password@host:5432/database`. The parameters that it may have are those of libpq that pg knows, and
   * `table`; see the README.
   */
  readonly url?: string | undefined;
  /**
   * A pool of pg's own, in place of `url`. It keeps its settings, and stays open when the store is closed. Its
   * connections must go to the primary: what was written a moment ago need not be on a standby.
   */
  readonly pool?: Pool | undefined;
  /** The table's name, also as `schema.name`. Default: the URL's `table`, or `manykv`. */
  readonly table?: string | undefined;
}

export interface PostgresStoreOptions extends StoreOptions, PostgresDriverOptions {}

const known: { readonly [Name in keyof PostgresStoreOptions]-?: true } = {
  url: true,
  pool: true,
  table: true,
  limits: true,
  buckets: true,
  timeout: true,
  request: true,
  concurrency: true,
  retry: true,
};

/** @throws {StoreError} `invalid-argument`, naming the option. */
export function checkOptions(options: PostgresDriverOptions): void {
  if (typeof options !== "object" || options === null)
    throw refuse("the options are not an object: pass { url } or { pool }");
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(known, name)) throw refuse(`there is no option \`${name}\``);
  }
  const { url, pool } = options;
  if ((url === undefined) === (pool === undefined)) throw refuse("pass either `url` or `pool`");
  if (pool !== undefined) checkPool(pool);
}

function checkPool(pool: Pool): void {
  if (typeof pool?.connect !== "function" || typeof pool.on !== "function") {
    throw refuse("`pool` is not a Pool of pg");
  }
  if (pool.options?.pipeline) {
    throw refuse("`pool` has pg's option `pipeline`, which allows nothing but plain queries: leave it out");
  }
}

export function refuse(text: string): StoreError {
  return new StoreError("invalid-argument", text);
}
