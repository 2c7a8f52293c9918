import type { Driver } from "@manykv/core";
import type { Pool } from "pg";
import { readConnectionUrl } from "./connection/connection-url.js";
import { Database } from "./connection/database.js";
import { OwnPool } from "./connection/own-pool.js";
import { classify } from "./error-table.js";
import { limits } from "./limits.js";
import { checkOptions, type PostgresDriverOptions } from "./options.js";
import { provision } from "./table/provision.js";
import { Table } from "./table/table.js";
import { quoteTableName } from "./table/table-name.js";

/**
 * The driver under {@link postgresStore}, for `createStore` and for tools that stand between the two.
 *
 * @throws {StoreError} `invalid-argument`, naming the option.
 */
export function postgresDriver(options: PostgresDriverOptions): Driver {
  checkOptions(options);
  const url = options.pool === undefined ? readConnectionUrl(options.url) : undefined;
  const tableName = quoteTableName(options.table === undefined ? (url?.table ?? "manykv") : options.table);
  const ownPool = url === undefined ? undefined : new OwnPool(url.config);
  const database = new Database((options.pool ?? ownPool?.pool) as Pool);
  const table = new Table(database, tableName);
  return {
    name: "postgres",
    limits,
    get: (request) => table.get(request),
    set: (request) => table.set(request),
    delete: (request) => table.delete(request),
    exists: (request) => table.exists(request),
    list: (request) => table.list(request),
    provision: (request) => provision(database, tableName, request),
    close: async () => ownPool?.close(),
    classify,
  };
}
