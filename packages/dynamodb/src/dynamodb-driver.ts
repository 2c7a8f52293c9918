import type { Driver } from "@manykv/core";
import { createClient } from "./client.js";
import { classify } from "./error-table.js";
import { dynamodbLimits } from "./limits.js";
import { listPage } from "./list.js";
import { checkOptions, type DynamodbDriverOptions } from "./options.js";
import { provision } from "./provision.js";
import { exists, get } from "./read.js";
import type { Table } from "./table.js";
import { remove, set } from "./write.js";

/**
 * The driver under {@link dynamodbStore}, for `createStore` and for tools that stand between the two.
 *
 * @throws {StoreError} `invalid-argument`, naming the option.
 */
export function dynamodbDriver(options: DynamodbDriverOptions): Driver {
  checkOptions(options);
  const client = options.client ?? createClient(options);
  const table: Table = { name: options.table, client };
  return {
    name: "dynamodb",
    limits: dynamodbLimits,
    get: (request) => get(table, request),
    set: (request) => set(table, request),
    delete: (request) => remove(table, request),
    exists: (request) => exists(table, request),
    list: (request) => listPage(table, request),
    provision: (request) => provision(table, request),
    close: async () => {
      if (options.client === undefined) client.destroy();
    },
    classify,
  };
}
