import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";

/** A table, and the client to reach it with. */
export interface Table {
  readonly name: string;
  readonly client: DynamoDBClient;
}
