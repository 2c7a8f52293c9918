import { FaultError } from "@manykv/core/driver";
import type { Redis, RedisOptions } from "ioredis";
import { faultOfConnecting } from "../error-table.js";
import { RespSocket } from "./resp-socket.js";

/**
 * Options that turn an ioredis client into a single connection. The client connects once, never reconnects, queues or
 * resends, and reports every failure immediately. Core handles failures: it knows the deadline and the outcomes.
 */
export const singleConnection: Omit<RedisOptions, "replyMapping"> & { readonly replyMapping: "legacy" } = {
  lazyConnect: true,
  retryStrategy: (): null => null,
  reconnectOnError: null,
  enableOfflineQueue: false,
  enableReadyCheck: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  maxRetriesPerRequest: 0,
  protocol: 2,
  replyMapping: "legacy",
  stringNumbers: false,
  readOnly: false,
  monitor: false,
  disableClientInfo: true,
  connectTimeout: 0,
  socketTimeout: undefined,
  himportFieldsets: undefined,
};

/** Returns a client for one connection. Loads ioredis only on first use, so that a process can start faster. */
export async function createClient(options: RedisOptions): Promise<Redis> {
  const { Redis } = await import("ioredis").catch((): never => {
    throw new FaultError(notInstalled);
  });
  return new Redis({ ...options, ...singleConnection });
}

const notInstalled = Object.freeze({
  code: "unavailable",
  retryable: false,
  effect: "none",
  reason: "ERR_MODULE_NOT_FOUND",
} as const);

/**
 * Opens a connection, runs `prepare` on it and returns the result of `prepare`.
 *
 * @param timeout - the longest time for both steps together, in milliseconds
 * @throws {FaultError} if a step fails, after closing the connection
 */
export async function openSocket<Result>(
  redis: Redis,
  timeout: number,
  prepare: (socket: RespSocket) => Promise<Result>,
): Promise<Result> {
  let failure: unknown;
  let expired = false;
  const timer = setTimeout(() => {
    expired = true;
    destroyClient(redis);
  }, timeout);
  redis.on("error", (error) => {
    failure ??= error;
    // Do not use the connection after an error. After a rejected SELECT, for example, it would use another database.
    destroyClient(redis);
  });
  try {
    await redis.connect();
    return await prepare(new RespSocket(redis));
  } catch (error) {
    destroyClient(redis);
    if (expired) throw new FaultError(timedOut);
    if (error instanceof FaultError && failure === undefined) throw error;
    throw new FaultError(faultOfConnecting(failure ?? error));
  } finally {
    clearTimeout(timer);
  }
}

const timedOut = Object.freeze({
  code: "unavailable",
  retryable: true,
  effect: "none",
  reason: "ETIMEDOUT",
} as const);

/** Closes a client permanently, without waiting for the server. */
export function destroyClient(redis: Redis): void {
  redis.disconnect();
  redis.stream?.destroy();
}
