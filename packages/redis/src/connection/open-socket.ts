import { clearTimer, type Fault, FaultError, nextTurn, setTimer } from "@manykv/core/driver";
import type { Redis, RedisOptions } from "ioredis";
import { faultOfConnecting } from "../error-table.js";
import { encodeCommand } from "../protocol/encode-command.js";
import { Lifetime } from "./lifetime.js";
import { type Login, logIn } from "./log-in.js";
import { Exchange, RespSocket } from "./resp-socket.js";
import { firstByteOf, tlsRefused, wrongProtocol } from "./wrong-protocol.js";

/** How to reach one server and log in. */
export interface ConnectionSource extends Login {
  /**
   * Returns an ioredis client for a single connection, not connected yet, with {@link connectOnly} among its options.
   * Called for each connection.
   *
   * @param attempt - ends when the client is no longer needed
   */
  readonly createClient: (attempt: Lifetime) => Promise<Redis>;
  /** Whether an attempt to connect does not keep the process alive. Default: false, because a call waits for it. */
  readonly background?: boolean;
  /**
   * Whether it is known that the server speaks the expected protocol. {@link openSocket} then no longer checks this.
   */
  checked?: boolean;
}

/**
 * Options with which an ioredis client only opens a connection: TCP, TLS or a custom connector. It connects once, never
 * reconnects, queues or resends, sends nothing, and reports every failure immediately. Core handles failures: it knows
 * the deadline and the outcomes. The driver logs in itself: see {@link logIn}.
 */
export const connectOnly: ConnectOnly = {
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
  username: undefined,
  password: undefined,
  sentinelUsername: undefined,
  sentinelPassword: undefined,
  db: 0,
  connectionName: undefined,
} as ConnectOnly;

// The assertion above allows options that only some versions of ioredis have.
type ConnectOnly = Omit<RedisOptions, "replyMapping"> & { readonly replyMapping: "legacy" };

/** Returns a client for one connection. Loads ioredis only on first use, so that a process can start faster. */
export async function createClient(options: RedisOptions): Promise<Redis> {
  const { Redis } = await import("ioredis").catch((error: unknown): never => {
    throw new FaultError(isMissing(error) ? notInstalled : notLoaded);
  });
  return new Redis({ ...options, ...connectOnly });
}

function isMissing(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND";
}

const notLoaded = Object.freeze({
  code: "unavailable",
  retryable: false,
  effect: "none",
  reason: "ioredis cannot be loaded: import it in the program to see why",
} as const);

const notInstalled = Object.freeze({
  code: "unavailable",
  retryable: false,
  effect: "none",
  reason: "ioredis is not installed: npm install ioredis",
} as const);

/**
 * Opens a connection, logs in, runs `prepare` and returns the result of `prepare`.
 *
 * @param timeout - the longest time for all steps together, in milliseconds
 * @param owner - its end closes the connection
 * @throws {FaultError} if a step fails, after closing the connection
 */
export async function openSocket<Result>(
  source: ConnectionSource,
  timeout: number,
  owner: Lifetime,
  prepare: (socket: RespSocket) => Promise<Result>,
): Promise<Result> {
  const attempt = new Lifetime();
  const stopListening = owner.onEnd(() => attempt.end());
  let expired = false;
  const timer = setTimer(() => {
    expired = true;
    attempt.end();
  }, timeout);
  if (source.background) timer.unref();
  let failure: () => unknown = () => undefined;
  let mismatch: ((error: unknown) => Promise<Fault | undefined>) | undefined;
  const open = async (): Promise<Result> => {
    const redis = await source.createClient(attempt);
    failure = destroyOnError(redis);
    if (attempt.ended) throw new FaultError(unnecessary);
    attempt.onEnd(() => destroyClient(redis));
    await connect(redis, source);
    if (attempt.ended) {
      // A connector of the caller may deliver the stream after the attempt has ended.
      destroyClient(redis);
      throw new FaultError(unnecessary);
    }
    // ioredis listens for only one error of a stream. The stream of a connector may emit several.
    redis.stream.on("error", ignore);
    // While a call is in flight, core's timer keeps the process alive. An idle store must not.
    redis.stream.unref?.();
    const socket = new RespSocket(redis);
    const firstByte = firstByteOf(redis.stream);
    mismatch = async (error) =>
      (await wrongProtocol(redis, firstByte())) ??
      (isAnswered(error) ? undefined : await withoutDatabases(source, timeout, owner));
    await logIn(socket, source);
    const result = await prepare(socket);
    keepUntil(owner, redis);
    source.checked = true;
    return result;
  };
  try {
    return await unlessEnded(attempt, open());
  } catch (error) {
    const stopped = attempt.ended;
    attempt.end();
    if (expired) throw new FaultError(timedOut);
    if (mismatch !== undefined && !source.checked && !stopped) {
      const fault = await mismatch(error);
      source.checked = fault === undefined;
      if (fault !== undefined) throw new FaultError(fault);
    }
    const cause = failure() ?? error;
    throw cause instanceof FaultError ? cause : new FaultError(faultOfConnecting(cause));
  } finally {
    clearTimer(timer);
    stopListening();
  }
}

/** Returns whether the server replied that it rejects the connection, so that another attempt would reveal nothing new. */
function isAnswered(error: unknown): boolean {
  return error instanceof FaultError && !error.fault.retryable;
}

/**
 * After a first connection was closed, returns a fault if the server serves database 0, but closes connections that
 * select another one. Some proxies do this instead of answering with an error.
 */
async function withoutDatabases(
  source: ConnectionSource,
  timeout: number,
  owner: Lifetime,
): Promise<Fault | undefined> {
  if (source.database === 0) return undefined;
  const selectsNone = { ...source, database: 0, checked: true };
  return openSocket(selectsNone, timeout, owner, async (socket) => {
    const [ping, select] = [new Exchange(1), new Exchange(1)];
    socket.send(encodeCommand("PING"), ping);
    if ((await ping.ended).ending !== "complete") return undefined;
    socket.send(encodeCommand("SELECT", `${source.database}`), select);
    return (await select.ended).ending === "complete" ? undefined : noDatabases;
  }).catch(() => undefined);
}

const noDatabases: Fault = Object.freeze({
  code: "unavailable",
  retryable: false,
  effect: "none",
  reason: "the server or a proxy closes the connection at SELECT: use database 0, or connect to the server directly",
});

/** Connects. If a TLS handshake takes unusually long, finds out whether only one side uses TLS. */
async function connect(redis: Redis, source: ConnectionSource): Promise<void> {
  const connected = redis.connect();
  // ioredis creates the stream in the next tick.
  if (source.background) void nextTurn().then(() => redis.stream?.unref?.());
  if (source.checked) return connected;
  const handshake = new Lifetime();
  const refused = tlsRefused(redis, handshake).then((fault) => {
    if (fault !== undefined) throw new FaultError(fault);
    return connected;
  });
  return Promise.race([connected, refused]).finally(() => handshake.end());
}

/**
 * Closes a client at its first error. Returns a function that returns this error, if it has occurred. The listener
 * lives as long as the client, so it must not share a scope with `prepare`, which may refer to the previous connection.
 */
function destroyOnError(redis: Redis): () => unknown {
  let failure: unknown;
  redis.on("error", (error) => {
    failure ??= error;
    destroyClient(redis);
  });
  return () => failure;
}

function ignore(): void {}

/** Closes an open connection when its owner ends. */
function keepUntil(owner: Lifetime, redis: Redis): void {
  if (redis.stream.destroyed) return;
  redis.stream.once(
    "close",
    owner.onEnd(() => destroyClient(redis)),
  );
}

/** Returns the result, or rejects when the attempt ends: functions of the caller may never settle. */
function unlessEnded<Result>(attempt: Lifetime, result: Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    result.then(resolve, reject);
    attempt.onEnd(() => reject(new FaultError(unnecessary)));
  });
}

const unnecessary = Object.freeze({ code: "unavailable", retryable: true, effect: "none" } as const);

const timedOut = Object.freeze({
  code: "unavailable",
  retryable: true,
  effect: "none",
  reason: "ETIMEDOUT",
} as const);

/** Closes a client permanently, without waiting for the server. */
function destroyClient(redis: Redis): void {
  // `disconnect` waits two seconds for the stream to close. If it is closed already, this keeps the process alive.
  if (redis.stream === undefined) redis.disconnect();
  else redis.stream.destroy();
}
