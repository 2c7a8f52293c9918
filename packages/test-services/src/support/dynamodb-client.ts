import { DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import type { DynamodbService } from "../service.js";

/** Resolves when the service answers. */
export async function listTables(
  service: Pick<DynamodbService, "url" | "region" | "credentials">,
): Promise<void> {
  const client = new DynamoDBClient({
    endpoint: service.url,
    region: service.region,
    maxAttempts: 1,
    ...(service.credentials && { credentials: service.credentials }),
  });
  try {
    await client.send(new ListTablesCommand({ Limit: 1 }), { abortSignal: AbortSignal.timeout(5_000) });
  } finally {
    client.destroy();
  }
}
