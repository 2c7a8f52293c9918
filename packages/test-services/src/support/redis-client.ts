import { Redis } from "ioredis";

/** Runs one task with a connection that neither reconnects nor queues, and closes it. */
export async function withRedis<T>(url: string, task: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url, {
    lazyConnect: true,
    enableReadyCheck: false,
    connectTimeout: 5_000,
    commandTimeout: 10_000,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
  });
  // Failures reach the caller through the command that they fail.
  client.on("error", () => {});
  try {
    await client.connect();
    return await task(client);
  } finally {
    client.disconnect();
  }
}
