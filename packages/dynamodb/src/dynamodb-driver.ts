import type { Driver } from "@manykv/core";
import { createClient } from "./client.js";
import { classify } from "./error-table.js";
import { dynamodbLimits } from "./limits.js";
import { listPage } from "./list.js";
import { checkOptions, type DynamodbDriverOptions } from "./options.js";
import { provision } from "./provision.js";
import { exists, get } from "./read.js";
import type { Table } from "./table.js";
import { ClientTransport } from "./transport/client-transport.js";
import { DirectTransport } from "./transport/direct-transport.js";
import { remove, set } from "./write.js";

/**
 * The driver under {@link dynamodbStore}, for `createStore` and for tools that stand between the two.
 *
 * @throws {StoreError} `invalid-argument`, naming the option.
 */
export function dynamodbDriver(options: DynamodbDriverOptions): Driver {
  checkOptions(options);
  const table = openTable(options);
  return {
    name: "dynamodb",
    limits: dynamodbLimits,
    get: (request) => get(table, request),
    set: (request) => set(table, request),
    delete: (request) => remove(table, request),
    exists: (request) => exists(table, request),
    list: (request) => listPage(table, request),
    provision: (request) => provision(table, request),
    close: async () => table.transport.close(),
    classify,
  };
}

function openTable(options: DynamodbDriverOptions): Table {
  const { table: name, client } = options;
  if (client !== undefined) return { name, client, transport: new ClientTransport(client, name) };
  const own = createClient(options);
  return { name, client: own, transport: new DirectTransport(own, name) };
}
