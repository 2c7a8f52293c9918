import { Redis } from "ioredis";
import { settle } from "./settle.js";

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
  // The reason for which a connection fails is told here alone; connect() says only that it is closed.
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

/** Waits until a server serves commands. With `pid`: this very process, and nobody else at the same port. */
export async function redisAnswers(url: string, pid?: number): Promise<void> {
  await settle("redis-server did not answer", 30_000, async () => {
    const info = await withRedis(url, (client) => client.info()).catch(() => "");
    const wanted = pid === undefined ? "process_id:" : `process_id:${pid}\r\n`;
    return (info.includes(wanted) && info.includes("\r\nloading:0\r\n")) || undefined;
  });
}
