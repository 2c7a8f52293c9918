import { setTimeout as delay } from "node:timers/promises";
import { type DriverRequest, FaultError } from "@manykv/core/driver";
import { arrayOf, type Json, property } from "./answer.js";
import { refusal } from "./error-table.js";
import { keyAttribute } from "./item-layout.js";
import type { Transport } from "./transport/transport.js";

const foreignTable = 'the table must have the partition key "k" of type S and no sort key: use another table';
/** Time between two checks of a table that DynamoDB is creating, in milliseconds. Creation takes several seconds. */
const pollInterval = 500;

/**
 * Creates the table unless it exists, and waits until the table is active. Is safe to repeat, and to run in several
 * processes at the same time. Throws `invalid-argument` if the table exists with another primary key.
 */
export async function provision(transport: Transport, request: DriverRequest): Promise<void> {
  const TableName = transport.table;
  const describe = JSON.stringify({ TableName });
  const create = JSON.stringify({
    TableName,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [{ AttributeName: keyAttribute, AttributeType: "S" }],
    KeySchema: [{ AttributeName: keyAttribute, KeyType: "HASH" }],
  });
  for (;;) {
    const answer = await unless("ResourceNotFoundException", transport.send("DescribeTable", describe, request));
    const description = property(answer, "Table");
    if (/^(ACTIVE|UPDATING)$/.test(String(property(description, "TableStatus")))) return checkKey(description);
    // Another process may create the table at the same time.
    if (answer === undefined) await unless("ResourceInUseException", transport.send("CreateTable", create, request));
    await delay(pollInterval, undefined, { signal: request.signal });
  }
}

/** Returns the response, or `undefined` if the request fails with the named exception. */
function unless(exception: string, answer: Promise<Json>): Promise<Json> {
  return answer.catch((error: unknown) => {
    if (!FaultError.is(error) || error.fault.reason !== exception) throw error;
  });
}

function checkKey(description: Json): void {
  const [key, ...others] = arrayOf(property(description, "KeySchema"));
  const isKey = (json: Json): boolean => property(json, "AttributeName") === keyAttribute;
  const attribute = arrayOf(property(description, "AttributeDefinitions")).find(isKey);
  if (isKey(key) && others.length === 0 && property(attribute, "AttributeType") === "S") return;
  throw refusal("invalid-argument", foreignTable);
}
