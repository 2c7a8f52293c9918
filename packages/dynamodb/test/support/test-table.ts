import { DeleteTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Driver } from "@manykv/core/driver";
import { randomName } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { afterAll, beforeAll } from "vitest";
import { dynamodbDriver } from "../../src/index.js";
import { request } from "./request.js";

/** The table of a test file. It exists while the tests of the file run. */
export interface TestTable {
  readonly name: string;
  readonly endpoint: string;
  /** A driver that reaches the server directly, without a proxy. */
  readonly driver: Driver;
  readonly client: DynamoDBClient;
}

export function testTable(): TestTable {
  const name = randomName();
  const endpoint = serviceUrl("dynamodb");
  const client = new DynamoDBClient({ endpoint });
  const driver = dynamodbDriver({ table: name, client });
  beforeAll(() => driver.provision?.(request()));
  afterAll(async () => {
    await client.send(new DeleteTableCommand({ TableName: name }));
    client.destroy();
  });
  return { name, endpoint, driver, client };
}
