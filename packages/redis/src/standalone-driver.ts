import {
  allDone,
  type Driver,
  type DriverLimits,
  type DriverRequest,
  type Fault,
  FaultError,
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
import { classify, faultOfReply } from "./error-table.js";
import { bucketPrefix } from "./key-names.js";
import { limits } from "./limits.js";
import { decodeCursor, encodeCursor, parseId, parseScanCursor, type ScanPosition } from "./listing/cursor.js";
import { encodeScan, fillPage, keysOfScan } from "./listing/scan.js";
import { encodeCommand, encodeDelete, encodeExists, encodeGet, encodeSet } from "./protocol/encode-command.js";
import { isAcknowledgement, isCount, type Reply, valuesOf } from "./protocol/reply.js";

/** The driver for one Redis server. Each request for keys takes one write to the socket and one round trip. */
export class StandaloneDriver implements Driver {
  readonly name = "redis";
  readonly server: ServerAddress | undefined;
  readonly limits: DriverLimits = limits;
  readonly #node: NodeConnection;

  constructor(node: NodeConnection, server: ServerAddress | undefined) {
    this.#node = node;
    this.server = server;
  }

  async get(request: KeysRequest): Promise<ReadAnswer<Uint8Array<ArrayBuffer> | undefined>> {
    const { bucket, keys } = request;
    // If the connection is open, this method writes the request synchronously.
    const connection = this.#node.current ?? (await this.#node.connect(request));
    const reply = await this.#send(connection, request, encodeGet(bucketPrefix(bucket), keys));
    const replies = keys.length === 1 ? [reply] : reply;
    const values = Array.isArray(replies) && replies.length === keys.length ? valuesOf(replies) : undefined;
    if (values === undefined) throw new FaultError(connection.desynchronized());
    return { values };
  }

  /** Encodes a `set` request in advance. Core allows this because `SET` and `MSET` apply entirely or not at all. */
  prepareSet(bucket: string, keys: readonly string[], values: readonly Uint8Array[]): Buffer {
    return encodeSet(bucketPrefix(bucket), keys, values);
  }

  set(request: SetRequest): Promise<WriteAnswer> {
    const { bucket, keys, values, prepared } = request;
    return this.#write(request, (prepared as Buffer | undefined) ?? this.prepareSet(bucket, keys, values));
  }

  delete(request: KeysRequest): Promise<WriteAnswer> {
    const { bucket, keys } = request;
    return this.#write(request, encodeDelete(bucketPrefix(bucket), keys));
  }

  async exists(request: KeysRequest): Promise<ReadAnswer<boolean>> {
    const { bucket, keys } = request;
    const connection = this.#node.current ?? (await this.#node.connect(request));
    const exchange = await connection.send(request, encodeExists(bucketPrefix(bucket), keys), keys.length);
    const fault = connection.faultOf(exchange);
    if (fault !== undefined) throw new FaultError(fault);
    for (const reply of exchange.replies) {
      if (reply instanceof Error) throw this.#refused(connection, reply);
      if (!isCount(reply)) throw new FaultError(connection.desynchronized());
    }
    return { values: exchange.replies.map((reply) => reply === 1) };
  }

  /**
   * Returns one page of keys. A complete iteration of `SCAN` returns every key that exists from its start to its end. A
   * `SCAN` cursor is valid only in one server process, so the listing starts over if the process has changed.
   * https://redis.io/docs/latest/commands/scan/#scan-guarantees
   */
  async list(request: ListRequest): Promise<ListAnswer> {
    const { bucket } = request;
    const position = request.cursor === undefined ? undefined : parsePosition(bucket, request.cursor);
    const connection = this.#node.current ?? (await this.#node.connect(request));
    const process = connection.identity.runId;
    let cursor = position?.process === process ? (position?.cursor ?? "0") : "0";
    const { keys, done } = await fillPage(request, async () => {
      const page = keysOfScan(bucket, await this.#send(connection, request, encodeScan(bucket, cursor)));
      cursor = page.cursor;
      return { keys: page.keys, done: cursor === "0" };
    });
    return done ? { keys } : { keys, cursor: encodeCursor(bucket, { process, cursor }) };
  }

  /** Checks that the server responds. Redis needs no preparation. */
  async provision(request: DriverRequest): Promise<void> {
    const connection = this.#node.current ?? (await this.#node.connect(request));
    await this.#send(connection, request, encodeCommand("PING"));
  }

  async close(): Promise<void> {
    this.#node.close();
  }

  classify(error: unknown): Fault {
    return classify(error);
  }

  async #write(request: DriverRequest, command: Buffer | string): Promise<WriteAnswer> {
    const connection = this.#node.current ?? (await this.#node.connect(request));
    const reply = await this.#send(connection, request, command);
    if (!isAcknowledgement(reply)) throw new FaultError(connection.desynchronized());
    return allDone;
  }

  /** Sends one command and returns its reply. Throws if the server rejects the command or does not reply. */
  async #send(connection: Connection, request: DriverRequest, command: Buffer | string): Promise<Reply> {
    const exchange = await connection.send(request, command, 1);
    const [reply] = exchange.replies;
    if (reply instanceof Error) throw this.#refused(connection, reply);
    const fault = connection.faultOf(exchange);
    if (fault !== undefined) throw new FaultError(fault);
    return reply as Reply;
  }

  #refused(connection: Connection, reply: Error): FaultError {
    const fault = faultOfReply(reply);
    // The server has become a replica. A new connection to its address may lead to the new master.
    if (fault.reason === "READONLY") connection.drop();
    return new FaultError(fault);
  }
}

function parsePosition(bucket: string, text: string): ScanPosition {
  const { process, cursor } = decodeCursor(bucket, text);
  return { process: parseId(process), cursor: parseScanCursor(cursor) };
}
