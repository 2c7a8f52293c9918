import { setTimeout as delay } from "node:timers/promises";
import { CreateTableCommand, DescribeTableCommand, type TableDescription } from "@aws-sdk/client-dynamodb";
import type { DriverRequest } from "@manykv/core";
import { DriverError } from "./driver-error.js";
import { keyAttribute } from "./item-layout.js";
import type { Table } from "./table.js";
import { untilAborted } from "./until-aborted.js";

/** Between two looks at a table that is being made, in milliseconds. It takes DynamoDB some seconds. */
const pollInterval = 500;

/**
 * Makes the table where there is none, and waits until it serves. Safe to repeat and to run at once in several
 * processes: the table of whoever comes first is taken, if it has the right key.
 *
 * @throws {DriverError} `ForeignTable` where it has another.
 */
export async function provision(table: Table, { signal }: DriverRequest): Promise<void> {
  const work = untilActive(table, signal);
  await untilAborted(work, signal, () => new DriverError("Abandoned"));
}

async function untilActive(table: Table, signal: AbortSignal): Promise<void> {
  for (;;) {
    const description = await describe(table, signal);
    if (description === undefined) await create(table, signal);
    else if (isServing(description)) return checkKey(description);
    await delay(pollInterval, undefined, { signal });
  }
}

/** `undefined` where there is no table. */
async function describe({ client, name }: Table, signal: AbortSignal): Promise<TableDescription | undefined> {
  try {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: name }), {
      abortSignal: signal,
    });
    return Table;
  } catch (error) {
    if (isNamed(error, "ResourceNotFoundException")) return undefined;
    throw error;
  }
}

async function create({ client, name }: Table, signal: AbortSignal): Promise<void> {
  const command = new CreateTableCommand({
    TableName: name,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [{ AttributeName: keyAttribute, AttributeType: "S" }],
    KeySchema: [{ AttributeName: keyAttribute, KeyType: "HASH" }],
  });
  try {
    await client.send(command, { abortSignal: signal });
  } catch (error) {
    // Somebody else was faster.
    if (!isNamed(error, "ResourceInUseException")) throw error;
  }
}

/** Not by its class: the caller's client may come from another copy of the SDK. */
function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}

function isServing({ TableStatus: status }: TableDescription): boolean {
  return status === "ACTIVE" || status === "UPDATING";
}

function checkKey({ KeySchema: schema = [], AttributeDefinitions: attributes = [] }: TableDescription): void {
  const type = attributes.find((attribute) => attribute.AttributeName === keyAttribute)?.AttributeType;
  if (schema.length !== 1 || schema[0]?.AttributeName !== keyAttribute || type !== "S") {
    throw new DriverError("ForeignTable");
  }
}
