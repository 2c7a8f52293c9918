import {
  allDone,
  type Driver,
  type DriverLimits,
  type DriverRequest,
  type Fault,
  type KeysRequest,
  type ListAnswer,
  type ListRequest,
  type ReadAnswer,
  type SetRequest,
  type WriteAnswer,
} from "@manykv/core";
import { classify } from "../classify.js";
import type { Connection } from "../connection/connection.js";
import type { RedisNode } from "../connection/redis-node.js";
import { faultOfReply } from "../error-table.js";
import { FaultError } from "../fault-error.js";
import { bucketPrefix } from "../keys.js";
import { limits } from "../limits.js";
import { encodeCommand, encodeDel, encodeEach, encodeMget } from "../protocol/encode-command.js";
import type { Reply } from "../protocol/exchange.js";
import { PreparedMset } from "../protocol/prepared-mset.js";
import type { ReplicaWait } from "../replica-wait.js";
import { isAcknowledgement, isCount, valuesOf } from "../replies.js";
import { listStandalone } from "./standalone-list.js";

/** One server: one command for each request, and so one round trip. */
export class StandaloneDriver implements Driver {
  readonly name = "redis";
  readonly limits: DriverLimits = limits;
  readonly #node: RedisNode;
  readonly #writer: RedisNode;
  readonly #wait: ReplicaWait | undefined;
  /** The connection of the last write that was done. */
  #written: Connection | undefined;

  /** @param writer - another way to the same server, since `WAIT` holds up what comes behind it; or the same way */
  constructor(node: RedisNode, writer: RedisNode, wait: ReplicaWait | undefined) {
    this.#node = node;
    this.#writer = writer;
    this.#wait = wait;
  }

  async get(request: KeysRequest): Promise<ReadAnswer<Uint8Array | undefined>> {
    const { bucket, keys } = request;
    // Over a connection that is open the request leaves within the caller's turn, before the next one is made.
    const connection = this.#node.current ?? (await this.#node.connection(request));
    const [reply] = await this.#send(connection, request, "mget", encodeMget(bucketPrefix(bucket), keys), 1);
    const values = Array.isArray(reply) && reply.length === keys.length ? valuesOf(reply) : undefined;
    if (values === undefined) throw new FaultError(connection.outOfStep());
    return { values };
  }

  prepareSet(bucket: string, keys: readonly string[], values: readonly Uint8Array[]): PreparedMset {
    return new PreparedMset(bucket, keys, values);
  }

  set(request: SetRequest): Promise<WriteAnswer> {
    return this.#write(request, "mset", () => PreparedMset.of(request).bytes);
  }

  delete(request: KeysRequest): Promise<WriteAnswer> {
    const { bucket, keys } = request;
    return this.#write(request, "del", () => encodeDel(bucketPrefix(bucket), keys));
  }

  async exists(request: KeysRequest): Promise<ReadAnswer<boolean>> {
    const { bucket, keys } = request;
    const connection = await this.#connection(request);
    const bytes = encodeEach("EXISTS", bucketPrefix(bucket), keys);
    const replies = await this.#send(connection, request, "exists", bytes, keys.length);
    if (!replies.every(isCount)) throw new FaultError(connection.outOfStep());
    return { values: replies.map((reply) => Number(reply) === 1) };
  }

  async list(request: ListRequest): Promise<ListAnswer> {
    const connection = await this.#connection(request);
    return listStandalone(request, connection, (bytes) => this.#send(connection, request, "scan", bytes, 1));
  }

  async provision(request: DriverRequest): Promise<void> {
    await this.#send(await this.#connection(request), request, "ping", encodeCommand("PING"), 1);
  }

  async close(): Promise<void> {
    this.#node.close();
    this.#writer.close();
  }

  classify(error: unknown): Fault {
    return classify(error);
  }

  async #write(request: DriverRequest, name: string, encode: () => Buffer): Promise<WriteAnswer> {
    const connection = this.#writer.current ?? (await this.#writer.connection(request));
    const wait = this.#wait;
    const bytes = wait === undefined ? encode() : Buffer.concat([encode(), wait.command]);
    const { replies, fault } = await connection.send(request, name, bytes, wait === undefined ? 1 : 2);
    const [reply, replicated] = replies;
    if (reply instanceof Error) throw this.#refused(connection, reply);
    if (fault !== undefined) throw new FaultError(fault);
    if (!isAcknowledgement(reply)) throw new FaultError(connection.outOfStep());
    const lacking = wait?.faultOf(replicated);
    if (lacking !== undefined) throw new FaultError(lacking);
    if (connection !== this.#written) this.#follow(connection);
    return allDone;
  }

  /** Reads must see what was written: where writes came to another server, theirs may be one that was replaced. */
  #follow(connection: Connection): void {
    this.#written = connection;
    const reading = this.#node.current;
    if (this.#writer === this.#node || reading === undefined) return;
    const { runId } = connection.identity;
    if (runId === undefined || reading.identity.runId !== runId) this.#node.retire(reading);
  }

  async #connection(request: DriverRequest): Promise<Connection> {
    return this.#node.current ?? this.#node.connection(request);
  }

  /** @throws {FaultError} where a command failed: Redis runs a command of many keys as a whole or not at all */
  async #send(
    connection: Connection,
    request: DriverRequest,
    name: string,
    bytes: Buffer,
    count: number,
  ): Promise<readonly Reply[]> {
    const { replies, fault } = await connection.send(request, name, bytes, count);
    if (fault !== undefined) throw new FaultError(fault);
    for (const reply of replies) if (reply instanceof Error) throw this.#refused(connection, reply);
    return replies;
  }

  #refused(connection: Connection, reply: Error): FaultError {
    const refusal = faultOfReply(reply);
    if (refusal.reason === "READONLY") this.#node.retire(connection);
    return new FaultError(refusal);
  }
}
