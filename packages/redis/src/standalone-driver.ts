import type { SwapResult } from "@manykv/core";
import {
  allDone,
  type BucketsAnswer,
  type Driver,
  type DriverDescription,
  type DriverLimits,
  type DriverRequest,
  type Fault,
  FaultError,
  type IncrementRequest,
  type ItemFault,
  type KeysRequest,
  keyExists,
  type ListAnswer,
  type ListRequest,
  type PageRequest,
  type ReadAnswer,
  type ServerAddress,
  type SetRequest,
  type SwapRequest,
  type WriteAnswer,
} from "@manykv/core/driver";
import { checkMode } from "./check-server.js";
import type { Connection } from "./connection/connection.js";
import type { Identity } from "./connection/identity.js";
import type { NodeConnection } from "./connection/node-connection.js";
import type { Exchange } from "./connection/resp-socket.js";
import { describeNode } from "./describe.js";
import { classify, faultOfReply, isUnknownCommand } from "./error-table.js";
import { allBuckets, bucketPrefix, keysOf, type Wanted } from "./key-names.js";
import { limits } from "./limits.js";
import {
  countRestart,
  decodeCursor,
  encodeCursor,
  parseCount,
  parseId,
  parseScanCursor,
  type ScanPosition,
} from "./listing/cursor.js";
import { encodeScan, fillPage, keysOfScan } from "./listing/scan.js";
import {
  encodeCommand,
  encodeDelete,
  encodeEach,
  encodeExists,
  encodeExpiringSet,
  encodeGet,
  encodeIncrement,
  encodeSet,
  tailsOf,
} from "./protocol/encode-command.js";
import {
  isCount,
  isCountUpTo,
  isInteger,
  isIntegerText,
  isOk,
  isOkOrNull,
  isSwapReply,
  isValue,
  type Reply,
  remainingTime,
  swapResultOf,
  textOf,
} from "./protocol/reply.js";
import { type ReplyLimits, scanReply, valuesReply } from "./protocol/reply-limits.js";
import { encodeExpiringIncrement, encodeSwap } from "./protocol/scripts.js";
import { cannotSubscribe } from "./sentinel/failover-watch.js";
import type { SentinelSource } from "./sentinel/sentinel-source.js";

/** The driver for one Redis server. Each request for keys takes one write to the socket and one round trip. */
export class StandaloneDriver implements Driver {
  readonly name = "redis";
  readonly server: ServerAddress | undefined;
  readonly limits: DriverLimits = limits;
  readonly #node: NodeConnection;
  readonly #sentinels: SentinelSource | undefined;

  /** @param sentinels - the source of the connection, if sentinels name the server */
  constructor(node: NodeConnection, server: ServerAddress | undefined, sentinels?: SentinelSource) {
    this.#node = node;
    this.server = server;
    this.#sentinels = sentinels;
  }

  get generation(): number {
    return this.#node.replaced;
  }

  async get(request: KeysRequest): Promise<ReadAnswer<Uint8Array<ArrayBuffer> | undefined>> {
    const { bucket, keys } = request;
    // If the connection is open, this method writes the request synchronously.
    const connection = this.#node.current ?? (await this.#node.connect(request));
    const limits = valuesReply(keys.length, this.limits.maxValueBytes, keys.length > 1);
    const exchange = await connection.send(request, encodeGet(bucketPrefix(bucket), keys), 1, { limits });
    const reply = this.#replyOf(connection, exchange);
    const replies = keys.length === 1 ? [reply] : reply;
    const answer = Array.isArray(replies) && replies.length === keys.length ? answerOf(replies) : undefined;
    if (answer === undefined) throw new FaultError(connection.desynchronized(exchange));
    return answer;
  }

  /** Encodes a `set` request in advance. Core allows this because `SET` and `MSET` apply entirely or not at all. */
  prepareSet(bucket: string, keys: readonly string[], values: readonly Uint8Array[]): Buffer {
    return encodeSet(bucketPrefix(bucket), keys, values);
  }

  set(request: SetRequest): Promise<WriteAnswer> {
    const { bucket, keys, values, ttls, prepared } = request;
    if (ttls !== undefined) return this.#setExpiring(request, ttls);
    return this.#write(request, (prepared as Buffer | undefined) ?? this.prepareSet(bucket, keys, values), isOk);
  }

  async setIfAbsent(request: SetRequest): Promise<WriteAnswer> {
    const { bucket, keys, values, ttls } = request;
    const commands = encodeEach("SET", bucketPrefix(bucket), keys, { values, tailOf: tailsOf(ttls, true) });
    const { replies, faults } = await this.#writeEach(request, commands, isOkOrNull);
    for (const [index, reply] of replies.entries()) if (reply === null) faults.push({ ...keyExists, index });
    return { faults };
  }

  delete(request: KeysRequest): Promise<WriteAnswer> {
    const { bucket, keys } = request;
    const { length } = keys;
    return this.#write(request, encodeDelete(bucketPrefix(bucket), keys), (reply) => isCountUpTo(length, reply));
  }

  async increment(request: IncrementRequest): Promise<bigint> {
    const { bucket, key, delta, ttl } = request;
    const prefix = bucketPrefix(bucket);
    if (ttl !== undefined) {
      const reply = await this.#writeOne(request, encodeExpiringIncrement(prefix + key, delta, ttl), isIntegerText);
      return BigInt(textOf(reply) as string);
    }
    const reply = await this.#writeOne(request, encodeIncrement(prefix, key, delta), isInteger);
    return BigInt(reply as number | bigint);
  }

  async compareAndSwap(request: SwapRequest): Promise<SwapResult> {
    const { bucket, key, expected, value } = request;
    const command = encodeSwap(bucketPrefix(bucket) + key, expected, value);
    const limits = valuesReply(1, this.limits.maxValueBytes, false);
    return swapResultOf(await this.#writeOne(request, command, isSwapReply, limits));
  }

  async exists(request: KeysRequest): Promise<ReadAnswer<boolean>> {
    const commands = encodeExists(bucketPrefix(request.bucket), request.keys);
    const connection = this.#node.current ?? (await this.#node.connect(request));
    const { replies, faults } = await this.#each(connection, request, commands, (reply) => isCountUpTo(1, reply));
    return { values: request.keys.map((_, index) => replies[index] === 1), faults };
  }

  async ttl(request: KeysRequest): Promise<ReadAnswer<number | null | undefined>> {
    const commands = encodeEach("PTTL", bucketPrefix(request.bucket), request.keys);
    const connection = this.#node.current ?? (await this.#node.connect(request));
    const { replies, faults } = await this.#each(connection, request, commands, isCount);
    return { values: request.keys.map((_, index) => remainingTime(replies[index] as number)), faults };
  }

  /**
   * Returns one page of keys. A complete iteration of `SCAN` returns every key that exists from its start to its end. A
   * `SCAN` cursor is valid only in one server process, so the listing starts over if the process has changed, or if
   * nothing shows that it is the same.
   * https://redis.io/docs/latest/commands/scan/#scan-guarantees
   */
  list(request: ListRequest): Promise<ListAnswer> {
    return this.#list(request, keysOf(request.bucket, request.prefix));
  }

  async listBuckets(request: PageRequest): Promise<BucketsAnswer> {
    const { keys, cursor } = await this.#list(request, allBuckets);
    return { buckets: [...new Set(keys)], cursor };
  }

  async #list(request: PageRequest, wanted: Wanted): Promise<ListAnswer> {
    const { scope } = wanted;
    const position = request.cursor === undefined ? undefined : parsePosition(scope, request.cursor);
    const connection = this.#node.current ?? (await this.#node.connect(request));
    const { process } = connection.identity;
    const startsOver = position !== undefined && position.process !== process;
    const restarts = startsOver ? countRestart(position.restarts) : (position?.restarts ?? 0);
    let cursor = position === undefined || startsOver ? "0" : position.cursor;
    const { keys, done } = await fillPage(request, async () => {
      const exchange = await connection.send(request, encodeScan(wanted, cursor), 1, { limits: scanReply });
      const lacking = withoutScan(connection, exchange);
      if (lacking !== undefined) throw new FaultError(lacking);
      const page = keysOfScan(wanted, cursor, this.#replyOf(connection, exchange));
      if (page === undefined) throw new FaultError(connection.desynchronized(exchange));
      cursor = page.cursor;
      return { keys: page.keys, done: cursor === "0" };
    });
    return done ? { keys } : { keys, cursor: encodeCursor(scope, { process, cursor, restarts }) };
  }

  /** Checks that the server responds. Redis needs no preparation. */
  async provision(request: DriverRequest): Promise<void> {
    const connection = this.#node.current ?? (await this.#node.connect(request));
    this.#replyOf(connection, await connection.send(request, encodeCommand("PING"), 1));
  }

  async describe(request: DriverRequest): Promise<DriverDescription> {
    const sentinels = this.#sentinels;
    // Sentinels name a new master after a failover, so only without them is a replica what the URL names.
    if (sentinels === undefined) return describeNode(this.#node, request, { check: checkMode });
    const description = await describeNode(this.#node, request, { topology: "sentinel" });
    if (!sentinels.cannotSubscribe) return description;
    return { ...description, findings: [...(description.findings ?? []), cannotSubscribe] };
  }

  close(): Promise<void> {
    return this.#node.close();
  }

  classify(error: unknown): Fault {
    return classify(error);
  }

  async #write(
    request: DriverRequest,
    command: Buffer | string,
    acknowledges: (reply: Reply) => boolean,
  ): Promise<WriteAnswer> {
    // Does not call `#writeOne`, because each additional promise makes small writes slower.
    const connection = this.#node.writable ?? (await this.#node.connectToWrite(request));
    const exchange = await connection.send(request, command, 1, { writes: true });
    if (!acknowledges(this.#replyOf(connection, exchange))) throw new FaultError(connection.desynchronized(exchange));
    return allDone;
  }

  /** Sends a command that writes, and returns its reply. */
  async #writeOne(
    request: DriverRequest,
    command: Buffer | string,
    expects: (reply: Reply) => boolean,
    limits?: ReplyLimits,
  ): Promise<Reply> {
    const connection = this.#node.writable ?? (await this.#node.connectToWrite(request));
    const exchange = await connection.send(request, command, 1, { writes: true, ...(limits && { limits }) });
    const reply = this.#replyOf(connection, exchange);
    if (!expects(reply)) throw new FaultError(connection.desynchronized(exchange));
    return reply;
  }

  /** Sets keys that expire: with one command if the server has it and all keys have the same time, or one per key. */
  async #setExpiring(request: SetRequest, ttls: readonly (number | undefined)[]): Promise<WriteAnswer> {
    const { bucket, keys, values } = request;
    const prefix = bucketPrefix(bucket);
    const connection = this.#node.writable ?? (await this.#node.connectToWrite(request));
    const [ttl] = ttls;
    if (
      hasExpiringSet(connection.identity) &&
      ttl !== undefined &&
      keys.length > 1 &&
      ttls.every((each) => each === ttl)
    )
      return this.#write(request, encodeExpiringSet(prefix, keys, values, ttl), (reply) => reply === 1);
    const commands = encodeEach("SET", prefix, keys, { values, tailOf: tailsOf(ttls, false) });
    const { faults } = await this.#writeEach(request, commands, isOk);
    return { faults };
  }

  async #writeEach(request: KeysRequest, commands: Buffer, expects: (reply: Reply) => boolean): Promise<Replies> {
    const connection = this.#node.writable ?? (await this.#node.connectToWrite(request));
    return this.#each(connection, request, commands, expects, true);
  }

  /** Sends one command per key. Returns the replies that have arrived, and the faults of the other keys. */
  async #each(
    connection: Connection,
    request: KeysRequest,
    commands: Buffer | string,
    expects: (reply: Reply) => boolean,
    writes = false,
  ): Promise<Replies> {
    const { length } = request.keys;
    const exchange = await connection.send(request, commands, length, { writes });
    const faults: ItemFault[] = [];
    for (const [index, reply] of exchange.replies.entries()) {
      if (reply instanceof Error) faults.push({ ...this.#faultOf(connection, reply), index });
      else if (!expects(reply)) throw new FaultError(connection.desynchronized(exchange));
    }
    const fault = connection.faultOf(exchange);
    for (let index = exchange.replies.length; fault !== undefined && index < length; index++)
      faults.push({ ...fault, index });
    return { replies: exchange.replies, faults };
  }

  /** Returns the reply to one command. Throws if the server rejects the command or does not reply. */
  #replyOf(connection: Connection, exchange: Exchange): Reply {
    const [reply] = exchange.replies;
    if (reply instanceof Error) throw new FaultError(this.#faultOf(connection, reply));
    const fault = connection.faultOf(exchange);
    if (fault !== undefined) throw new FaultError(fault);
    return reply as Reply;
  }

  #faultOf(connection: Connection, reply: Error): Fault {
    const fault = faultOfReply(reply);
    // The server has become a replica. A new connection to its address may lead to the new master.
    if (fault.reason === "READONLY") connection.drop();
    return fault;
  }
}

interface Replies {
  readonly replies: readonly Reply[];
  readonly faults: ItemFault[];
}

/** Returns whether the server has `MSETEX`, which Redis 8.4 added. Servers with another name do not have it. */
function hasExpiringSet({ product, version }: Identity): boolean {
  const [major = 0, minor = 0] = (version ?? "").split(".").map(Number);
  return product === "redis" && (major > 8 || (major === 8 && minor >= 4));
}

/**
 * Returns the values in replies to reads, or `undefined` if a reply is neither bytes nor `null` nor an error. A proxy
 * that divides `MGET` among servers answers with an error in the place of each key that one of them could not serve.
 */
function answerOf(replies: readonly Reply[]): ReadAnswer<Uint8Array<ArrayBuffer> | undefined> | undefined {
  const values = new Array<Uint8Array<ArrayBuffer> | undefined>(replies.length);
  const faults: ItemFault[] = [];
  for (let index = 0; index < replies.length; index++) {
    const reply = replies[index];
    if (isValue(reply)) values[index] = reply ?? undefined;
    else if (reply instanceof Error) faults.push({ ...faultOfReply(reply), index });
    else return undefined;
  }
  return faults.length === 0 ? { values } : { values, faults };
}

/** Returns a fault if a proxy rejected `SCAN`, or closed the connection at it as it does at other commands. */
function withoutScan(connection: Connection, { replies: [reply], ending }: Exchange): Fault | undefined {
  if (reply instanceof Error) return isUnknownCommand(reply) ? noScan : undefined;
  // The connection may have been lost for another reason.
  const isLost = ending === "lost" && connection.identity.refused.length > 0;
  return isLost ? { ...noScan, code: "unavailable" } : undefined;
}

const noScan: Fault = Object.freeze({
  code: "unsupported",
  retryable: false,
  effect: "none",
  reason: "the server or a proxy does not support SCAN: connect to a server directly to list keys",
});

function parsePosition(bucket: string, text: string): ScanPosition & { readonly restarts: number } {
  const { process, cursor, restarts } = decodeCursor(bucket, text);
  return { process: parseId(process), cursor: parseScanCursor(cursor), restarts: parseCount(restarts) };
}
