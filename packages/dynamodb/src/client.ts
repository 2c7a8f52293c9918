import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { DynamodbDriverOptions } from "./options.js";

/** The driver's own client. Core alone repeats what failed. */
export function createClient({ region, endpoint, credentials }: DynamodbDriverOptions): DynamoDBClient {
  return new DynamoDBClient({
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    maxAttempts: 1,
  });
}
