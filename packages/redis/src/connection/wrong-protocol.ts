import { connect as connectPlain } from "node:net";
import { connect as connectTls } from "node:tls";
import { clearTimer, type Fault, setTimer } from "@manykv/core/driver";
import type { Redis } from "ioredis";
import { needsPlain } from "../error-table.js";
import type { Lifetime } from "./lifetime.js";

/** If the server's part of a TLS handshake takes longer than this, the server may not use TLS, in milliseconds. */
const longestHandshake = 500;
/** Longest time of the second connection that finds out, in milliseconds. */
const probeTime = 500;
const needsTls: Fault = Object.freeze({
  code: "unavailable",
  retryable: false,
  effect: "none",
  reason: "the server requires TLS: use rediss:// instead of redis://",
});

const notRedis: Fault = Object.freeze({
  code: "unavailable",
  retryable: false,
  effect: "none",
  reason: "the server does not speak the Redis protocol: check the host and the port",
});

/** The first byte of an alert: https://www.rfc-editor.org/rfc/rfc8446#section-5.1 */
const tlsAlert = 0x15;

/**
 * After a connection failed before its first use, returns a fault if the server speaks another protocol. If Redis
 * requires TLS, it closes a connection without TLS and sends no reply, so a second connection has to find out.
 *
 * @param firstByte - the first byte that the server sent
 */
export async function wrongProtocol(redis: Redis, firstByte: number | undefined): Promise<Fault | undefined> {
  const address = addressOf(redis);
  if (!redis.options.tls && firstByte === tlsAlert) return needsTls;
  if (firstByte !== undefined) return /[+:$*-]/.test(String.fromCharCode(firstByte)) ? undefined : notRedis;
  if (redis.options.tls || address === undefined) return undefined;
  return (await answersTls(address)) ? needsTls : undefined;
}

/** Returns a function that returns the first byte that arrives on a stream from now on. */
export function firstByteOf(stream: Redis["stream"]): () => number | undefined {
  let first: number | undefined;
  stream.once("data", (chunk: Uint8Array) => {
    first = chunk[0];
  });
  return () => first;
}

/**
 * During a TLS handshake, returns a fault if the server does not use TLS. Redis takes the start of a handshake for an
 * incomplete command and waits for the rest, so a second connection has to find out.
 *
 * @param handshake - ends when the connection is open or has failed
 */
export async function tlsRefused(redis: Redis, handshake: Lifetime): Promise<Fault | undefined> {
  const address = addressOf(redis);
  if (!redis.options.tls || address === undefined) return undefined;
  await new Promise<void>((resolve) => {
    const timer = setTimer(resolve, longestHandshake).unref();
    handshake.onEnd(() => {
      clearTimer(timer);
      resolve();
    });
  });
  const { stream } = redis;
  // Without a TCP connection, the server may be far away or down.
  if (handshake.ended || !stream || stream.connecting || stream.bytesRead > 0) return undefined;
  return (await answersPlain(address)) ? needsPlain : undefined;
}

interface Target {
  readonly host: string;
  readonly port: number;
}

/**
 * Returns the address of the server, or `undefined` if only a connector of the caller knows it, or for a Unix socket.
 */
function addressOf({ options: { Connector, path, host, port = 6379 } }: Redis): Target | undefined {
  return Connector || path || !host ? undefined : { host, port };
}

/** Returns whether the server takes part in a TLS handshake. Sends nothing else. */
function answersTls(target: Target): Promise<boolean> {
  return new Promise((resolve) => {
    // The certificate does not matter, because the connection is not used.
    const socket = connectTls({ ...target, rejectUnauthorized: false, timeout: probeTime }).unref();
    const finish = (answers: boolean): void => {
      socket.destroy();
      resolve(answers);
    };
    socket.once("secureConnect", () => finish(true));
    socket.once("timeout", () => finish(false));
    socket.once("close", () => finish(false));
    socket.on("error", (error: NodeJS.ErrnoException) => finish(/^ERR_SSL_.*ALERT/.test(error.code ?? "")));
  });
}

/** Returns whether the server responds without TLS, even if with an error. */
function answersPlain(target: Target): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectPlain({ ...target, timeout: probeTime }).unref();
    const finish = (answers: boolean): void => {
      socket.destroy();
      resolve(answers);
    };
    socket.write("PING\r\n");
    socket.once("data", (chunk) => finish(/^[+-]/.test(chunk.toString("latin1"))));
    socket.once("timeout", () => finish(false));
    socket.once("close", () => finish(false));
    socket.on("error", () => finish(false));
  });
}
