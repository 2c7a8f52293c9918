import { setTimeout as delay } from "node:timers/promises";
import { type DriverRequest, FaultError } from "@manykv/core/driver";
import { billingMode, otherPrimaryKey, refusal } from "./error-table.js";
import type { Layout } from "./layout.js";
import { describeTable, primaryKeyOf, readTable, type TableDescription } from "./table.js";
import { enableTimeToLive } from "./time-to-live.js";
import type { Transport } from "./transport/transport.js";

/** Time between two checks of a table that DynamoDB is creating, in milliseconds. Creation takes several seconds. */
const pollInterval = 500;

/**
 * Creates the table unless it exists, waits until the table is active, and makes DynamoDB delete expired items. Is safe
 * to repeat, and to run in several processes at the same time. Throws `invalid-argument` if the table exists with another
 * primary key.
 */
export async function provision(transport: Transport, request: DriverRequest): Promise<void> {
  for (;;) {
    const table = await findTable(transport, request);
    if (table === undefined) await createTable(transport, request);
    else if (isReady(table)) {
      checkPrimaryKey(table, transport.layout);
      return enableTimeToLive(transport, request);
    }
    await delay(pollInterval, undefined, { signal: request.signal });
  }
}

/** Returns what the server tells about the table, or `undefined` if the table does not exist. */
export async function findTable(transport: Transport, request: DriverRequest): Promise<TableDescription | undefined> {
  try {
    return readTable((await transport.send(describeTable, request)).json);
  } catch (error) {
    if (FaultError.is(error) && error.fault.code === "no-such-store") return undefined;
    throw error;
  }
}

/** Returns whether the table can be used, or `false` if it is being created or deleted. Throws if it cannot be used. */
function isReady({ status }: TableDescription): boolean {
  if (status === "CREATING" || status === "DELETING") return false;
  if (status === "ACTIVE" || status === "UPDATING") return true;
  throw refusal("unavailable", `the table's status is ${/^[A-Z_]{1,50}$/.test(status) ? status : "unknown"}`);
}

function checkPrimaryKey(table: TableDescription, layout: Layout): void {
  if (table.primaryKey !== primaryKeyOf(layout)) throw otherPrimaryKey();
}

/** Creates the table, unless another process is creating it. */
async function createTable(transport: Transport, request: DriverRequest): Promise<void> {
  const names = [
    transport.layout.keyAttribute,
    ...(transport.layout.sortKey ? [transport.layout.sortKey.attribute] : []),
  ];
  const AttributeDefinitions = names.map((AttributeName) => ({ AttributeName, AttributeType: "S" }));
  const KeySchema = names.map((AttributeName, index) => ({ AttributeName, KeyType: index === 0 ? "HASH" : "RANGE" }));
  const create = (capacity: object): Promise<unknown> => {
    const content = JSON.stringify({ ...capacity, AttributeDefinitions, KeySchema }).slice(1, -1);
    return transport.send({ operation: "CreateTable", content, maxBytes: describeTable.maxBytes }, request);
  };
  try {
    await create({ BillingMode: "PAY_PER_REQUEST" }).catch((error: unknown) => {
      if (!FaultError.is(error) || error.fault.reason !== billingMode) throw error;
      // A server without on-demand capacity. All such servers that we know ignore the numbers.
      return create({ ProvisionedThroughput: { ReadCapacityUnits: 5, WriteCapacityUnits: 5 } });
    });
  } catch (error) {
    if (!FaultError.is(error) || error.fault.reason !== "ResourceInUseException") throw error;
  }
}
