import {
  CreateTableCommand,
  type DynamoDBClient,
  type DynamoDBClientConfig,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import type { DynamodbService } from "@manykv/test-services";

/** Where DynamoDB is, and who one is there. */
export interface DynamodbPlace {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials?: NonNullable<DynamoDBClientConfig["credentials"]>;
}

export function placeOf({ url, region, credentials }: DynamodbService): DynamodbPlace {
  return { endpoint: url, region, ...(credentials && { credentials }) };
}

/** A table as the library has one: a string `k` for the key. */
export async function createTable(client: DynamoDBClient, table: string): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [{ AttributeName: "k", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "k", KeyType: "HASH" }],
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 60, minDelay: 1 }, { TableName: table });
}
