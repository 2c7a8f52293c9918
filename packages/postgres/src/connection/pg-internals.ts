import type { Duplex } from "node:stream";
import { FaultError } from "@manykv/core/driver";
import type { Client, ClientConfig, Connection, PoolClient } from "pg";
import { MalformedReply, MessageReader, readFields } from "../protocol/message-reader.js";

/*
 * Everything that manykv knows of pg beyond its documentation is in this file:
 *
 * - `Client.connection`, which the constructor takes from its `connection` option, and `Client.processID`
 * - `Client.query(submittable)`, which calls `submit` and `handle...` of what it is passed
 * - `Connection.stream`, `.ssl` and `.sslNegotiation`
 * - `Connection.attachListeners(stream)`, which reads `stream` by its `data` event
 * - `Pool.ending`
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

type Attaching = Connection & { attachListeners(stream: Duplex): void };
type AttachingClass = new (config: object) => Attaching;
type Reader = (chunk: Buffer) => void;

/** Connections of own pools, and whether their reader is guarded. */
const guarded: WeakMap<Connection, boolean> = new WeakMap();

/**
 * Returns pg's client for the store's own pool. What pg's reader throws at a message that it cannot read would be an
 * uncaught exception and end the process. Here it ends the connection, also while that is being opened or idle.
 *
 * @param connecting - contains each client until it is connected or has failed
 */
export function guardedClient(pg: Pg, connecting: Set<Client>): typeof Client {
  class GuardedConnection extends (pg.Connection as unknown as AttachingClass) {
    override attachListeners(stream: Duplex): void {
      const before = new Set(stream.listeners("data"));
      super.attachListeners(stream);
      for (const reader of stream.listeners("data")) {
        if (before.has(reader)) continue;
        guardReader(stream, reader as Reader);
        guarded.set(this, true);
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
      const connection = new GuardedConnection({ ...config, ssl, sslNegotiation });
      guarded.set(connection, false);
      super({ ...config, connection } as ClientConfig);
      if (this.connection !== connection) throw lacks("the option `connection` of Client");
      connecting.add(this);
      const connected = (): boolean => connecting.delete(this);
      this.once("connect", connected).once("end", connected);
    }
  };
}

/** Passes on whole messages only, so that none is read beyond its end. */
function guardReader(stream: Duplex, reader: Reader): void {
  const messages = new MessageReader((bytes, start, end) => {
    readFields(bytes, start, end);
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

/** A client of the pool, with the process number that the server reported when it connected. */
export type PgClient = PoolClient & { readonly processID: number | null };

/** @throws {FaultError} `invalid-argument` if the client is not what manykv knows. */
export function checkClient(client: PoolClient): asserts client is PgClient {
  const { connection } = client as { readonly connection?: Connection };
  if (connection === undefined) throw lacks("Client.connection");
  if (typeof connection.stream?.listeners !== "function") throw lacks("Connection.stream");
  if (guarded.get(connection) === false) throw lacks("a `data` listener that Connection.attachListeners adds");
  if (!("processID" in client)) throw lacks("Client.processID");
}

const readyForQuery = "Z".charCodeAt(0);
/** The messages from which pg learns about the connection itself: ReadyForQuery, notices, parameters, notifications. */
const forPg: ReadonlySet<number> = new Set(Array.from("ZNSA", (letter) => letter.charCodeAt(0)));

/**
 * What pg calls a submittable: a request and its reply, while they have a connection.
 *
 * pg's reader turns every field into a UTF-8 string, which destroys bytes, so programs fetch `bytea` as hexadecimal text.
 * That is twice the bytes, and takes client and server more time than everything else. So this takes the place of pg's
 * reader until the reply is complete, and passes on the messages that pg needs. Whatever pg's reader throws at a malformed
 * message would be an uncaught exception; here it closes the connection.
 *
 * A connection serves one statement at a time, and only whole messages precede its reply.
 */
export abstract class Submission {
  /** pg replaces it if the pool has a `query_timeout`, and expects it to be called. */
  callback: () => void = () => {};
  readonly #request: Buffer;
  readonly #messages: MessageReader = new MessageReader((bytes, start, end) => this.#onMessage(bytes, start, end));
  /** The socket, once the request was written to it. */
  protected stream: Duplex | undefined;
  #readers: readonly Reader[] = [];

  constructor(request: Buffer) {
    this.#request = request;
  }

  /** Reads the message from `start` to `end`. ReadyForQuery is the last one. */
  protected abstract read(bytes: Buffer, start: number, end: number): void;

  /** The connection broke or cannot be used. */
  protected abstract fail(error: unknown): void;

  /** Whether nothing waits for the reply anymore. */
  protected abstract readonly ended: boolean;

  /** Sends the request once pg is done with what it sent before. */
  sendOver(client: PgClient): void {
    (client as unknown as { query(submittable: Submission): void }).query(this);
  }

  /** pg calls it when the connection is free, and reports an error that it returns to `handleError`. */
  submit({ stream }: Connection): Error | null {
    if (this.ended) return new Error("aborted while it waited for the connection");
    this.#readers = stream.listeners("data") as Reader[];
    if (this.#readers.length === 0) return lacks("a `data` listener on Connection.stream");
    this.stream = stream;
    stream.on("data", this.#onData);
    for (const reader of this.#readers) stream.off("data", reader);
    stream.once("close", this.#onClose);
    stream.write(this.#request);
    return null;
  }

  handleError(error: unknown): void {
    this.#leave();
    this.fail(error);
  }

  /** The only message that makes pg call a method of this. */
  handleReadyForQuery(): void {}

  readonly #onClose = (): void => this.handleError(undefined);

  readonly #onData = (chunk: Buffer): void => {
    try {
      const rest = this.#messages.read(chunk);
      if (rest !== undefined && rest.length > 0) this.#pass(rest);
    } catch {
      this.stream?.destroy(new MalformedReply());
    }
  };

  #onMessage(bytes: Buffer, start: number, end: number): boolean {
    const letter = bytes[start] as number;
    this.read(bytes, start, end);
    if (letter === readyForQuery) {
      for (const reader of this.#readers) this.stream?.on("data", reader);
      this.stream?.off("data", this.#onData);
      this.#leave();
    }
    if (forPg.has(letter)) this.#pass(bytes.subarray(start, end));
    return letter !== readyForQuery;
  }

  #pass(bytes: Buffer): void {
    for (const reader of this.#readers) reader.call(this.stream, bytes);
  }

  #leave(): void {
    this.stream?.off("close", this.#onClose);
    this.callback();
  }
}
