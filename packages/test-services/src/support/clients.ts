import { Redis } from "ioredis";
import pg from "pg";
import type { DynamodbService } from "../service.js";
import { waitUntil } from "./retry.js";

/** Runs a task with a new connection that neither reconnects nor queues commands. Then closes the connection. */
export async function withRedis<T>(url: string, task: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url, {
    lazyConnect: true,
    enableReadyCheck: false,
    connectTimeout: 5_000,
    commandTimeout: 10_000,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
  });
  // Only this event contains the reason for a failed connection. The error of connect() does not.
  let reason: Error | undefined;
  client.on("error", (error) => {
    reason ??= error;
  });
  try {
    await client.connect();
    return await task(client);
  } catch (error) {
    throw reason ?? error;
  } finally {
    client.disconnect();
  }
}

/** Waits until Redis accepts commands. With `pid`, waits for this process and ignores others on the same port. */
export async function redisResponds(url: string, pid?: number): Promise<void> {
  await waitUntil("redis-server did not respond", 30_000, async () => {
    const info = await withRedis(url, (client) => client.info()).catch(() => "");
    const process = pid === undefined ? "process_id:" : `process_id:${pid}\r\n`;
    return (info.includes(process) && info.includes("\r\nloading:0\r\n")) || undefined;
  });
}

/** Runs one statement on a new connection and returns the rows. */
export async function queryPostgres(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    query_timeout: 30_000,
  });
  // If the connection breaks, the statement rejects. Without a listener, the error would also end the process.
  client.on("error", () => {});
  try {
    await client.connect();
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

/** Waits until Postgres accepts this user and password. Another server on the same port would reject them. */
export async function postgresResponds(url: string): Promise<void> {
  await waitUntil("postgres did not respond", 60_000, () => queryPostgres(url, "SELECT 1").catch(() => undefined));
}

/** Sends one ListTables request. Resolves if the request succeeds, and otherwise rejects. */
export async function listTables(service: Pick<DynamodbService, "url" | "region" | "credentials">): Promise<void> {
  // The SDK is slow to load, and only an address from the environment needs it.
  const { DynamoDBClient, ListTablesCommand } = await import("@aws-sdk/client-dynamodb");
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
