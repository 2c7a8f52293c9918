import type { Duplex } from "node:stream";
import { FaultError } from "@manykv/core/driver";
import type { Client, ClientConfig, Connection, Pool, PoolClient } from "pg";
import type { Exchange } from "../protocol/exchange.js";
import { hasFields, MalformedReply, MessageReader, readFields } from "../protocol/message-reader.js";

/*
 * Everything that manykv knows of pg beyond its documentation is in this file:
 *
 * - `Client.connection`, which the constructor takes from its `connection` option, and `Client.processID`
 * - `Client.query(submittable)`, which calls `submit` and the `handle...` methods of what it is passed
 * - `Connection.stream`, `.ssl` and `.sslNegotiation`
 * - `Connection.attachListeners(stream)`, which reads `stream` by its `data` event
 * - `Pool.ending` and `Pool.options.pipeline`
 *
 * Each of them is checked when a connection is first used. If one is missing, requests fail and the error names it.
 */
const knownVersions = "8.11 to 8.23";

/** pg, as loaded when a store first connects. */
export type Pg = typeof import("pg");

/** @throws {FaultError} `invalid-argument` if pg is not installed or lacks what manykv uses. */
export async function loadPg(): Promise<Pg> {
  let pg: Pg;
  try {
    pg = (await import("pg")).default as unknown as Pg;
  } catch {
    throw unusable("pg cannot be loaded: run `npm install pg`");
  }
  if (typeof pg.Pool !== "function") throw lacks("Pool");
  if (typeof pg.Client !== "function") throw lacks("Client");
  if (typeof (pg.Connection?.prototype as Attaching | undefined)?.attachListeners !== "function") {
    throw lacks("Connection.prototype.attachListeners");
  }
  return pg;
}

function lacks(member: string): FaultError {
  return unusable(`pg lacks ${member}: use pg ${knownVersions}, without pg-native`);
}

export function unusable(reason: string): FaultError {
  return new FaultError({ code: "invalid-argument", retryable: false, effect: "none", reason });
}

/** Whether the pool sends statements without waiting for replies. */
export function isPipelining(pool: Pool): boolean {
  return pool.options?.pipeline === true;
}

/** The process number that the server reported when the client connected. */
export function processIdOf(client: PoolClient): number | undefined {
  return (client as { readonly processID?: number | null }).processID ?? undefined;
}

type Attaching = Connection & { attachListeners(stream: Duplex): void };
type AttachingClass = new (config: object) => Attaching;
type Reader = (chunk: Buffer) => void;

/** Connections whose reader cannot end the process. */
const guarded: WeakSet<Connection> = new WeakSet();
/** Connections that must be guarded. */
const guardable: WeakSet<Connection> = new WeakSet();

/**
 * Returns pg's client for the store's own pool. What pg's reader throws at a message that it cannot read would be an
 * uncaught exception and end the process. Here it ends the connection, also while that is being opened or idle.
 */
export function guardedClient(pg: Pg): typeof Client {
  class GuardedConnection extends (pg.Connection as unknown as AttachingClass) {
    override attachListeners(stream: Duplex): void {
      const before = new Set(stream.listeners("data"));
      super.attachListeners(stream);
      for (const reader of stream.listeners("data")) {
        if (before.has(reader)) continue;
        guardReader(stream, reader as Reader);
        guarded.add(this);
      }
    }
  }
  return class extends pg.Client {
    constructor(config: ClientConfig = {}) {
      // Only pg's own connection knows what a URL and the environment say about TLS.
      const { connection: unused } = new pg.Client(config) as { connection?: Connection };
      if (unused === undefined) throw lacks("Client.connection");
      const { ssl, sslNegotiation } = unused as { ssl?: unknown; sslNegotiation?: unknown };
      if (ssl === undefined) throw lacks("Connection.ssl");
      const { keepAlive, keepAliveInitialDelayMillis } = config;
      const connection = new GuardedConnection({
        ssl,
        sslNegotiation,
        keepAlive,
        keepAliveInitialDelayMillis,
      });
      guardable.add(connection);
      super({ ...config, connection } as ClientConfig);
      if (this.connection !== connection) throw lacks("the option `connection` of Client");
    }
  };
}

/** Passes on whole messages only, so that none is read beyond its end. */
function guardReader(stream: Duplex, reader: Reader): void {
  const messages = new MessageReader((bytes, start, end) => {
    if (hasFields(bytes, start)) readFields(bytes, start, end);
    reader.call(stream, bytes.subarray(start, end));
    return true;
  });
  stream.off("data", reader);
  stream.on("data", (chunk: Buffer) => {
    try {
      messages.read(chunk);
    } catch {
      stream.destroy(new MalformedReply());
    }
  });
}

/** Closes a client's connection without waiting for the server. */
export function hangUp(client: Client): void {
  client.connection?.stream?.destroy();
}

/** @throws {FaultError} `invalid-argument` if the client is not what manykv knows. */
export function checkClient(client: PoolClient): void {
  const { connection } = client as { readonly connection?: Connection };
  if (connection === undefined) throw lacks("Client.connection");
  if (typeof connection.stream?.listeners !== "function") throw lacks("Connection.stream");
  if (guardable.has(connection) && !guarded.has(connection)) {
    throw lacks("a `data` listener that Connection.attachListeners adds");
  }
  if (!("processID" in client)) throw lacks("Client.processID");
}

/** Sends the request of an exchange, once pg is done with what it sent before, and lets the exchange read the reply. */
export function send(client: PoolClient, exchange: Exchange): void {
  (client as unknown as { query(submittable: Submission): void }).query(new Submission(exchange));
}

const readyForQuery = "Z".charCodeAt(0);
const noticeResponse = "N".charCodeAt(0);
const parameterStatus = "S".charCodeAt(0);
const notificationResponse = "A".charCodeAt(0);
/** The messages from which pg learns about the connection itself. */
const forPg: ReadonlySet<number> = new Set([
  readyForQuery,
  noticeResponse,
  parameterStatus,
  notificationResponse,
]);

/**
 * What pg calls a submittable: an exchange while it has the connection.
 *
 * pg's reader turns every field into a UTF-8 string, which destroys bytes, so programs fetch `bytea` as hexadecimal text.
 * That is twice the bytes, and takes client and server more time than everything else. So the submission takes the place
 * of pg's reader until the reply is complete, and passes on the messages that pg needs. Whatever pg's reader throws at a
 * malformed message would be an uncaught exception; here it closes the connection.
 *
 * A connection serves one statement at a time, and only whole messages precede its reply.
 */
class Submission {
  /** pg replaces it if the pool has a `query_timeout`, and expects it to be called. */
  callback: () => void = () => {};
  readonly #exchange: Exchange;
  readonly #messages: MessageReader;
  #stream: Duplex | undefined;
  #readers: readonly Reader[] = [];

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
    this.#messages = new MessageReader((bytes, start, end) => this.#onMessage(bytes, start, end));
  }

  /** pg calls it when the connection is free. It reports a returned error to `handleError`. */
  submit({ stream }: Connection): Error | null {
    if (this.#exchange.ended) return new Error("aborted while it waited for the connection");
    const readers = stream.listeners("data") as Reader[];
    if (readers.length === 0) {
      const error = lacks("a `data` listener on Connection.stream");
      this.#exchange.reject(error);
      return error;
    }
    this.#stream = stream;
    this.#readers = readers;
    stream.on("data", this.#onData);
    for (const reader of readers) stream.off("data", reader);
    stream.once("close", this.#onClose);
    this.#exchange.start();
    stream.write(this.#exchange.request);
    return null;
  }

  /** pg calls it when the connection broke or cannot be used. */
  handleError(error: unknown): void {
    this.#end();
    this.#exchange.fail(error);
  }

  // pg calls these for messages that it receives while the submission has the connection.
  handleReadyForQuery(): void {}
  handleRowDescription(): void {}
  handleDataRow(): void {}
  handleCommandComplete(): void {}
  handlePortalSuspended(): void {}
  handleEmptyQuery(): void {}
  handleCopyInResponse(): void {}
  handleCopyData(): void {}

  readonly #onClose = (): void => this.handleError(undefined);

  readonly #onData = (chunk: Buffer): void => {
    try {
      const rest = this.#messages.read(chunk);
      if (rest !== undefined && rest.length > 0) this.#pass(rest);
    } catch {
      this.#stream?.destroy(new MalformedReply());
    }
  };

  #onMessage(bytes: Buffer, start: number, end: number): boolean {
    const goesOn = this.#exchange.read(bytes, start, end);
    if (!goesOn) {
      for (const reader of this.#readers) this.#stream?.on("data", reader);
      this.#stream?.off("data", this.#onData);
      this.#end();
    }
    if (forPg.has(bytes[start] as number)) this.#pass(bytes.subarray(start, end));
    return goesOn;
  }

  #pass(bytes: Buffer): void {
    for (const reader of this.#readers) reader.call(this.#stream, bytes);
  }

  #end(): void {
    this.#stream?.off("close", this.#onClose);
    this.callback();
  }
}
