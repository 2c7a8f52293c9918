import type { Duplex } from "node:stream";
import { FaultError } from "@manykv/core/driver";
import type { Client, ClientConfig, Connection, Pool, PoolClient } from "pg";
import { MalformedReply, MessageReader, readFields } from "../protocol/message-reader.js";

/*
 * manykv uses these members of pg, which pg's documentation does not describe. Other files use them only through the
 * types and functions of this file.
 *
 * - `Client.connection`, which the constructor sets from its `connection` option, and `Client.processID`
 * - `Client.password`, which may be a function, `Client.port`, and the option `enableChannelBinding` (pg 8.14 or later)
 * - `Client.query(submittable)`, which calls the `submit` and `handle...` methods of its argument
 * - `Connection.stream`, `.ssl` and `.sslNegotiation`
 * - the events of `Connection` for messages of the server, such as `parameterStatus`
 * - `Connection.attachListeners(stream)`, which adds a listener to the `data` event of `stream`
 * - `Pool.ending`
 *
 * manykv checks for the members that it needs. If one is missing, requests fail with an error that names it.
 */
const knownVersions = "8.11 to 8.23";

/** The module `pg`, which manykv loads when a store with its own pool first connects. */
export type Pg = typeof import("pg");

/** Loads pg. Rejects with a `FaultError` (`invalid-argument`) if pg is not installed or lacks what manykv needs. */
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

/** For each connection of a store's own pool: whether `guardReader` has replaced pg's reader. */
const guarded: WeakMap<Connection, boolean> = new WeakMap();

/**
 * Returns a subclass of pg's `Client` for the store's own pool. In pg, a malformed message causes an
 * uncaught exception, which ends the process. The subclass closes the connection instead, even during the handshake.
 *
 * @param connecting - a set. The subclass adds each new client to it, and removes a client that has connected or ended
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
      // pg reads the TLS settings from the URL and the environment into its own connection, so copy them from there.
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

/** Replaces a reader of pg with one that passes on only whole messages, so that pg never reads beyond their end. */
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

/**
 * Sets what a new client logs in with.
 *
 * @param port - empty for the default. Some versions of pg ignore the URL's parameter `port`
 * @param password - pg calls this function when the server asks for the password
 */
export function setLogin(client: Client, port: string, password: (() => Promise<string>) | undefined): void {
  const login = client as unknown as { port: number; password: unknown };
  if (port !== "") login.port = Number(port);
  if (password !== undefined) login.password = password;
}

/** What the server sends while a client connects. */
export class Handshake {
  readonly #reported: Map<string, string> = new Map();
  readonly #needsBinding: boolean;
  #isBound = false;

  /** @param needsBinding - whether to close the connection before a login without channel binding */
  constructor(client: Client, needsBinding: boolean) {
    this.#needsBinding = needsBinding;
    const connection = client.connection as Connection;
    connection.on("parameterStatus", ({ parameterName, parameterValue }) => {
      this.#reported.set(parameterName, parameterValue);
    });
    if (!needsBinding) return;
    if (!("enableChannelBinding" in client)) throw unusable("`channel_binding` in `url` needs pg 8.14 or later");
    const refuse = (): void => void connection.stream?.destroy(this.failure);
    connection.on("authenticationCleartextPassword", refuse);
    connection.on("authenticationMD5Password", refuse);
    connection.on("authenticationSASL", ({ mechanisms }) => {
      this.#isBound = mechanisms.includes("SCRAM-SHA-256-PLUS");
      if (!this.#isBound) refuse();
    });
  }

  /** Returns a parameter that the server reported, such as `server_version`. */
  reported(name: string): string | undefined {
    return this.#reported.get(name);
  }

  /** Why the login must not be used, or `undefined` if it is right. */
  get failure(): FaultError | undefined {
    if (!this.#needsBinding || this.#isBound) return undefined;
    const reason = "the server does not offer channel binding: it needs TLS and a password in SCRAM form";
    return new FaultError({ code: "unavailable", retryable: false, effect: "none", reason });
  }
}

/** Returns whether the pool was ended. */
export function isEnded(pool: Pool): boolean {
  return pool.ending;
}

/** Closes a client's connection without waiting for the server. */
export function hangUp(client: Client): void {
  client.connection?.stream?.destroy();
}

/** A client of the pool, with the process ID that the server reported when the client connected. */
export type PgClient = PoolClient & { readonly processID: number | null };

/** Throws a `FaultError` (`invalid-argument`) if the client lacks a member that manykv needs. */
export function checkClient(client: PoolClient): asserts client is PgClient {
  const { connection } = client as { readonly connection?: Connection };
  if (connection === undefined) throw lacks("Client.connection");
  if (typeof connection.stream?.listeners !== "function") throw lacks("Connection.stream");
  if (guarded.get(connection) === false) throw lacks("a `data` listener that Connection.attachListeners adds");
  if (!("processID" in client)) throw lacks("Client.processID");
}

const readyForQuery = "Z".charCodeAt(0);
/** Letters of the messages that pg needs: ReadyForQuery, notices, changed parameters and notifications. */
const forPg: ReadonlySet<number> = new Set(Array.from("ZNSA", (letter) => letter.charCodeAt(0)));

/**
 * A request and its reply on one connection. pg calls such an object a submittable.
 *
 * pg's reader decodes every field as UTF-8, which corrupts bytes, so programs fetch `bytea` as hexadecimal text. This
 * text is twice as long, and converting it takes longer than all other work. A submission therefore replaces pg's
 * reader until the reply is complete, and passes on the messages that pg needs. In pg, a malformed message causes an
 * uncaught exception. A submission closes the connection instead.
 *
 * A connection runs one statement at a time, so the first byte that a submission reads is the beginning of a message.
 */
export abstract class Submission {
  /** If the pool has a `query_timeout`, pg replaces this function and expects the submittable to call it. */
  callback: () => void = () => {};
  readonly #request: Buffer;
  readonly #messages: MessageReader = new MessageReader((bytes, start, end) => this.#onMessage(bytes, start, end));
  /** The socket. `undefined` until the request has been written to it. */
  protected stream: Duplex | undefined;
  #readers: readonly Reader[] = [];

  constructor(request: Buffer) {
    this.#request = request;
  }

  /** Reads the message from `start` to `end`. The last message of a reply is ReadyForQuery. */
  protected abstract read(bytes: Buffer, start: number, end: number): void;

  /** Called if the connection breaks or cannot be used. */
  protected abstract fail(error: unknown): void;

  /** Whether the request is settled or aborted, so that nothing waits for the reply. */
  protected abstract readonly ended: boolean;

  /** Sends the request as soon as pg has finished the previous query on this connection. */
  sendOver(client: PgClient): void {
    (client as unknown as { query(submittable: Submission): void }).query(this);
  }

  /** Called by pg when the connection is free. If this method returns an error, pg passes it to `handleError`. */
  submit({ stream }: Connection): Error | null {
    if (this.ended) return new Error("the request was aborted while it waited for the connection");
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

  /** Called by pg for ReadyForQuery. The other messages that pg receives do not concern the submittable. */
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
