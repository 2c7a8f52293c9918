import { type Fault, FaultError } from "@manykv/core/driver";
import { Lifetime } from "../connection/lifetime.js";
import { type ConnectionSource, openSocket } from "../connection/open-socket.js";
import { pause } from "../connection/pause.js";
import { Exchange, type RespSocket } from "../connection/resp-socket.js";
import { faultOfReply } from "../error-table.js";
import { encodeCommand } from "../protocol/encode-command.js";
import { type Reply, textOf } from "../protocol/reply.js";
import type { Address } from "../redis-url.js";

/** The sentinels that monitor a master and its replicas. */
export interface Sentinels {
  readonly addresses: readonly Address[];
  /** The name under which the sentinels know the master. */
  readonly service: string;
  /** Returns how to connect to a sentinel. */
  readonly source: (address: Address) => ConnectionSource;
  /** Translates the address of the master into the address at which this process reaches it. */
  readonly translate: (address: Address) => Address;
}

/** What one sentinel knows. A higher epoch is the result of a later failover. */
interface Opinion {
  readonly master: Address;
  readonly epoch: number;
}

/** After the first answer, how long to wait for sentinels that may know of a later failover, in milliseconds. */
const graceTime = 200;

/**
 * Asks all sentinels for the address of the master, and returns the answer with the highest epoch: a sentinel that was
 * cut off from the others does not know of later failovers.
 *
 * @param timeout - the longest time to wait for the first answer, in milliseconds
 * @param attempt - its end stops the search
 * @throws {FaultError} if no sentinel returns an address
 */
export async function findMaster(sentinels: Sentinels, timeout: number, attempt: Lifetime): Promise<Address> {
  const search = new Lifetime();
  const stopListening = attempt.onEnd(() => search.end());
  const opinions: Opinion[] = [];
  const faults: unknown[] = [];
  const asked = sentinels.addresses.map((address) =>
    openSocket(sentinels.source(address), timeout, search, (socket) => ask(socket, sentinels.service, address)).then(
      (opinion) => {
        opinions.push(opinion);
      },
      (error: unknown) => {
        faults.push(error);
        throw error;
      },
    ),
  );
  const all = Promise.allSettled(asked);
  try {
    await Promise.any(asked).catch(() => {});
    if (opinions.length > 0) await Promise.race([all, pause(search, graceTime)]);
  } finally {
    stopListening();
    search.end();
  }
  const [first, ...others] = opinions;
  if (first === undefined) throw faults.find(isPermanent) ?? faults[0];
  const { master } = others.reduce((best, each) => (each.epoch > best.epoch ? each : best), first);
  return sentinels.translate(master);
}

function isPermanent(error: unknown): boolean {
  return error instanceof FaultError && !error.fault.retryable;
}

/** https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/#sentinel-commands */
async function ask(socket: RespSocket, service: string, sentinel: Address): Promise<Opinion> {
  const exchange = new Exchange(2);
  const questions = [
    encodeCommand("SENTINEL", "GET-MASTER-ADDR-BY-NAME", service),
    encodeCommand("SENTINEL", "MASTER", service),
  ];
  socket.send(Buffer.concat(questions), exchange);
  const { replies, ending } = await exchange.ended;
  const [address, state] = replies;
  if (address instanceof Error) throw new FaultError(faultOfSentinel(address));
  if (ending !== "complete") throw new FaultError(closed);
  const [host, port] = textsOf(address);
  if (host === undefined || port === undefined) throw new FaultError(unknownService);
  const fields = textsOf(state);
  const epoch = Number(fields[fields.indexOf("config-epoch") + 1] ?? 0);
  return { master: { host: host || sentinel.host, port: Number(port) }, epoch: epoch || 0 };
}

function textsOf(reply: Reply | undefined): readonly (string | undefined)[] {
  return Array.isArray(reply) ? reply.map((each: Reply) => textOf(each)) : [];
}

function faultOfSentinel(error: Error): Fault {
  if (/unknown command/i.test(error.message)) return notSentinel;
  const fault = faultOfReply(error);
  return { ...fault, effect: "none", ...(fault.reason === "NOAUTH" && { reason: unauthenticated }) };
}

const unauthenticated = "a sentinel requires a password: pass sentinel_password in the URL, or `sentinelCredentials`";
const closed: Fault = Object.freeze({ code: "unavailable", retryable: true, effect: "none" });
const notSentinel: Fault = Object.freeze({
  code: "unavailable",
  retryable: false,
  effect: "none",
  reason: "not a sentinel: use redis:// or the address of a sentinel",
});
const unknownService: Fault = Object.freeze({
  code: "no-such-store",
  retryable: false,
  effect: "none",
  reason: "the sentinels do not know the service: check its name in the URL",
});
