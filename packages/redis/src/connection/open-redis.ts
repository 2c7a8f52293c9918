import type { Redis, RedisOptions } from "ioredis";
import { faultOfConnecting } from "../error-table.js";
import { FaultError } from "../fault-error.js";
import { OwnWire } from "./own-wire.js";
import type { Wire } from "./wire.js";

type CarefulOptions = Omit<RedisOptions, "replyMapping"> & { readonly replyMapping: "legacy" };

/**
 * A client of our own is one connection: it opens once, neither reconnects nor queues nor sends again, and what fails
 * says so at once. What has to be done then is core's to decide, which knows the deadline and the outcomes.
 */
export const oneConnection: CarefulOptions = {
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
};

/**
 * Opens a connection and does something first over it.
 *
 * @param time - for both together, in milliseconds
 * @throws {FaultError} why it could not be opened; then it is closed
 */
export async function openRedis<Result>(
  redis: Redis,
  time: number,
  first: (wire: Wire) => Promise<Result>,
): Promise<Result> {
  let failed: unknown;
  let expired = false;
  const timer = setTimeout(() => {
    expired = true;
    destroy(redis);
  }, time);
  redis.on("error", (error) => {
    failed ??= error;
    // A refused SELECT, for one, would leave a connection to another database.
    destroy(redis);
  });
  try {
    await redis.connect();
    return await first(new OwnWire(redis));
  } catch (error) {
    destroy(redis);
    if (expired) throw new FaultError(noAnswer);
    throw error instanceof FaultError && failed === undefined
      ? error
      : new FaultError(faultOfConnecting(failed ?? error));
  } finally {
    clearTimeout(timer);
  }
}

const noAnswer = Object.freeze({
  code: "unavailable",
  retryable: true,
  effect: "none",
  reason: "ETIMEDOUT",
} as const);

/** Closes a client for good, without waiting for the other side. */
export function destroy(redis: Redis): void {
  redis.disconnect();
  redis.stream?.destroy();
}
