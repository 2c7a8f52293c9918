import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Transport } from "./transport/transport.js";

/** A table, and the ways to it. */
export interface Table {
  readonly name: string;
  /** For items. */
  readonly transport: Transport;
  /** For the table itself. */
  readonly client: DynamoDBClient;
}
