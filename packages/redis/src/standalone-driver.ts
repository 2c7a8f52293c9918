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
import { encodeAll, encodeCommand, encodeEach, encodeMset, encodeOne, encodeSet } from "./protocol/encode-command.js";
import { isAcknowledgement, isCount, isValue, type Reply, valuesOf } from "./protocol/reply.js";

/** One server. Each request is one write to the socket and one round trip. */
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
    const [key] = keys as [string];
    // On an open connection, the request is written before this function returns.
    const connection = this.#node.current ?? (await this.#node.connect(request));
    if (keys.length === 1) {
      const value = await this.#send(connection, request, encodeOne("GET", bucketPrefix(bucket), key));
      if (!isValue(value)) throw new FaultError(connection.desynchronized());
      return { values: [value ?? undefined] };
    }
    const reply = await this.#send(connection, request, encodeAll("MGET", bucketPrefix(bucket), keys));
    const values = Array.isArray(reply) && reply.length === keys.length ? valuesOf(reply) : undefined;
    if (values === undefined) throw new FaultError(connection.desynchronized());
    return { values };
  }

  /** `SET` and `MSET` replace the key with all its attributes and apply entirely or not at all. */
  prepareSet(bucket: string, keys: readonly string[], values: readonly Uint8Array[]): Buffer {
    const [key] = keys as [string];
    const [value] = values as [Uint8Array];
    const prefix = bucketPrefix(bucket);
    return keys.length === 1 ? encodeSet(prefix, key, value) : encodeMset(prefix, keys, values);
  }

  async set(request: SetRequest): Promise<WriteAnswer> {
    const connection = this.#node.current ?? (await this.#node.connect(request));
    const { bucket, keys, values, prepared } = request;
    const command = prepared ?? this.prepareSet(bucket, keys, values);
    return this.#write(connection, request, command as Buffer);
  }

  async delete(request: KeysRequest): Promise<WriteAnswer> {
    const { bucket, keys } = request;
    const [key] = keys as [string];
    const connection = this.#node.current ?? (await this.#node.connect(request));
    const prefix = bucketPrefix(bucket);
    const command = keys.length === 1 ? encodeOne("DEL", prefix, key) : encodeAll("DEL", prefix, keys);
    return this.#write(connection, request, command);
  }

  async exists(request: KeysRequest): Promise<ReadAnswer<boolean>> {
    const { bucket, keys } = request;
    const connection = this.#node.current ?? (await this.#node.connect(request));
    const exchange = await connection.send(request, encodeEach("EXISTS", bucketPrefix(bucket), keys), keys.length);
    const fault = connection.faultOf(exchange);
    if (fault !== undefined) throw new FaultError(fault);
    for (const reply of exchange.replies) {
      if (reply instanceof Error) throw this.#refused(connection, reply);
      if (!isCount(reply)) throw new FaultError(connection.desynchronized());
    }
    return { values: exchange.replies.map((reply) => reply === 1) };
  }

  /**
   * One page of keys. A complete iteration of `SCAN` returns every key that exists from its start to its end. Its cursor
   * refers to the memory of one process, so a listing that meets another process starts over.
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

  /** Redis needs no preparation. Checks that the server answers. */
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

  async #write(connection: Connection, request: DriverRequest, command: Buffer | string): Promise<WriteAnswer> {
    const reply = await this.#send(connection, request, command);
    if (!isAcknowledgement(reply)) throw new FaultError(connection.desynchronized());
    return allDone;
  }

  /** Sends one command and returns its reply. Throws if the server refuses it: Redis never runs part of a command. */
  async #send(connection: Connection, request: DriverRequest, command: Buffer | string): Promise<Reply | undefined> {
    const exchange = await connection.send(request, command, 1);
    const [reply] = exchange.replies;
    if (reply instanceof Error) throw this.#refused(connection, reply);
    const fault = connection.faultOf(exchange);
    if (fault !== undefined) throw new FaultError(fault);
    return reply;
  }

  #refused(connection: Connection, reply: Error): FaultError {
    const fault = faultOfReply(reply);
    // The server became a replica. Its address may lead to the new master now.
    if (fault.reason === "READONLY") connection.drop();
    return new FaultError(fault);
  }
}

function parsePosition(bucket: string, text: string): ScanPosition {
  const { process, cursor } = decodeCursor(bucket, text);
  return { process: parseId(process), cursor: parseScanCursor(cursor) };
}
