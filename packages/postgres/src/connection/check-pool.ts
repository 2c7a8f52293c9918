import type { Pool } from "pg";
import { refuse } from "../options.js";

/**
 * Throws a `StoreError` (`invalid-argument`) unless manykv can use the pool: a `Pool` of pg, of a package that extends
 * it, or a wrapper that has its members.
 */
export function checkPool(value: unknown): void {
  const pool = (typeof value === "object" && value !== null ? value : {}) as Partial<Pool> & { Client?: unknown };
  if (typeof pool.connect !== "function" || typeof pool.on !== "function") throw refuse("`pool` must be a Pool of pg");
  if ("connectionParameters" in pool) throw refuse("`pool` must be a Pool of pg, not a Client: pass `new Pool(...)`");
  const { options } = pool;
  if (typeof pool.totalCount !== "number" || typeof options?.max !== "number" || typeof pool.ending !== "boolean") {
    throw refuse("`pool` must be a Pool of pg 8.11 or later: pools of other packages, such as pg-mem, do not work");
  }
  if (isNative(pool.Client)) throw refuse("`pool` must not use pg-native: create it with `Pool` of pg");
  if (options.pipeline) throw refuse("`pool` must not have pg's option `pipeline`: remove it");
}

/** Returns whether the class is pg's client for pg-native, which has no sockets. */
function isNative(Client: unknown): boolean {
  if (typeof Client !== "function") return false;
  const { prototype } = Client as { prototype?: object };
  return prototype !== undefined && "_pulseQueryQueue" in prototype && !("getStartupConf" in prototype);
}
