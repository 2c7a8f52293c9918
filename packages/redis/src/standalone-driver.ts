import {
  allDone,
  type Driver,
  type DriverDescription,
  type DriverLimits,
  type DriverRequest,
  type Fault,
  FaultError,
  type ItemFault,
  type KeysRequest,
  type ListAnswer,
  type ListRequest,
  type ReadAnswer,
  type ServerAddress,
  type SetRequest,
  type WriteAnswer,
} from "@manykv/core/driver";
import type { Connection } from "./connection/connection.js";
import type { NodeConnection } from "./connection/node-connection.js";
import type { Exchange } from "./connection/resp-socket.js";
import { describeNode } from "./describe.js";
import { classify, faultOfReply, isUnknownCommand } from "./error-table.js";
import { bucketPrefix } from "./key-names.js";
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
import { encodeCommand, encodeDelete, encodeExists, encodeGet, encodeSet } from "./protocol/encode-command.js";
import { isCountUpTo, isOk, isValue, type Reply } from "./protocol/reply.js";
import { scanReply, valuesReply } from "./protocol/reply-limits.js";
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
    const { bucket, keys, values, prepared } = request;
    return this.#write(request, (prepared as Buffer | undefined) ?? this.prepareSet(bucket, keys, values), isOk);
  }

  delete(request: KeysRequest): Promise<WriteAnswer> {
    const { bucket, keys } = request;
    const { length } = keys;
    return this.#write(request, encodeDelete(bucketPrefix(bucket), keys), (reply) => isCountUpTo(length, reply));
  }

  async exists(request: KeysRequest): Promise<ReadAnswer<boolean>> {
    const { bucket, keys } = request;
    const connection = this.#node.current ?? (await this.#node.connect(request));
    const exchange = await connection.send(request, encodeExists(bucketPrefix(bucket), keys), keys.length);
    const faults: ItemFault[] = [];
    for (const [index, reply] of exchange.replies.entries()) {
      if (reply instanceof Error) faults.push({ ...this.#faultOf(connection, reply), index });
      else if (!isCountUpTo(1, reply)) throw new FaultError(connection.desynchronized(exchange));
    }
    const fault = connection.faultOf(exchange);
    for (let index = exchange.replies.length; fault !== undefined && index < keys.length; index++)
      faults.push({ ...fault, index });
    return { values: keys.map((_, index) => exchange.replies[index] === 1), faults };
  }

  /**
   * Returns one page of keys. A complete iteration of `SCAN` returns every key that exists from its start to its end. A
   * `SCAN` cursor is valid only in one server process, so the listing starts over if the process has changed, or if
   * nothing shows that it is the same.
   * https://redis.io/docs/latest/commands/scan/#scan-guarantees
   */
  async list(request: ListRequest): Promise<ListAnswer> {
    const { bucket } = request;
    const position = request.cursor === undefined ? undefined : parsePosition(bucket, request.cursor);
    const connection = this.#node.current ?? (await this.#node.connect(request));
    const { process } = connection.identity;
    const startsOver = position !== undefined && position.process !== process;
    const restarts = startsOver ? countRestart(position.restarts) : (position?.restarts ?? 0);
    let cursor = position === undefined || startsOver ? "0" : position.cursor;
    const { keys, done } = await fillPage(request, async () => {
      const exchange = await connection.send(request, encodeScan(bucket, cursor), 1, { limits: scanReply });
      if (isWithoutScan(connection, exchange)) throw new FaultError(withoutScan);
      const page = keysOfScan(bucket, cursor, this.#replyOf(connection, exchange));
      cursor = page.cursor;
      return { keys: page.keys, done: cursor === "0" };
    });
    return done ? { keys } : { keys, cursor: encodeCursor(bucket, { process, cursor, restarts }) };
  }

  /** Checks that the server responds. Redis needs no preparation. */
  async provision(request: DriverRequest): Promise<void> {
    const connection = this.#node.current ?? (await this.#node.connect(request));
    this.#replyOf(connection, await connection.send(request, encodeCommand("PING"), 1));
  }

  async describe(request: DriverRequest): Promise<DriverDescription> {
    const sentinels = this.#sentinels;
    const description = await describeNode(this.#node, request, sentinels && "sentinel");
    if (!sentinels?.cannotSubscribe) return description;
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
    const connection = this.#node.writable ?? (await this.#node.connectToWrite(request));
    const exchange = await connection.send(request, command, 1, { writes: true });
    if (!acknowledges(this.#replyOf(connection, exchange))) throw new FaultError(connection.desynchronized(exchange));
    return allDone;
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

/** Returns whether a proxy rejected `SCAN`, or closed the connection at it as it does at other commands. */
function isWithoutScan(connection: Connection, { replies: [reply], ending }: Exchange): boolean {
  if (reply instanceof Error) return isUnknownCommand(reply);
  return ending === "lost" && connection.identity.refused.length > 0;
}

const withoutScan: Fault = Object.freeze({
  code: "unavailable",
  retryable: false,
  effect: "none",
  reason: "the server or a proxy does not support SCAN: connect to a server directly to list keys",
});

function parsePosition(bucket: string, text: string): ScanPosition & { readonly restarts: number } {
  const { process, cursor, restarts } = decodeCursor(bucket, text);
  return { process: parseId(process), cursor: parseScanCursor(cursor), restarts: parseCount(restarts) };
}
