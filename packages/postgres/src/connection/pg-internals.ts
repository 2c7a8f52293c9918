import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { FaultError } from "@manykv/core/driver";
import type { Client, ClientConfig, Connection, Pool, PoolClient } from "pg";
import { type Admit, checkForPg, MalformedReply, MessageReader, messageHeader } from "../protocol/message-reader.js";
import { isolate } from "./isolate.js";

/*
 * manykv uses these members of pg, which pg's documentation does not describe. Other files use them only through the
 * types and functions of this file. `check-pool.ts` looks for some other members, to recognize unsuitable pools.
 *
 * - `Client.connection`, which the constructor sets from its `connection` option, and `Client.processID`
 * - `Client.password`, which may be a function, `Client.port`, and the option `enableChannelBinding` (pg 8.14 or later)
 * - `Client.query(submittable, callback)`, which calls the `submit` and `handle...` methods of its first argument and
 *   stores the second one as its `callback`. Tracing tools wrap this method and the callback.
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

/** Loads pg. Rejects with a `FaultError` if pg is not installed or lacks what manykv needs. */
export async function loadPg(): Promise<Pg> {
  let pg: Pg;
  try {
    pg = (await import("pg")).default as unknown as Pg;
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && /MODULE_NOT_FOUND$/.test(String(error.code));
    const reason = isMissing
      ? "pg is not installed: run `npm install pg`"
      : "pg cannot be loaded: import it in the program to see why";
    throw new FaultError({ code: "unavailable", retryable: false, effect: "none", reason });
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
/** The `emit` methods of guarded clients, whose listeners cannot disturb pg. */
const isolating: WeakSet<Client["emit"]> = new WeakSet();
/** The method as it was when manykv was loaded. Other code may replace it later with one that throws. */
const { emit: plainEmit } = EventEmitter.prototype;

/**
 * Returns a subclass of pg's `Client` for the store's own pool. In pg, a malformed message causes an
 * uncaught exception, which ends the process. The subclass closes the connection instead, even during the handshake.
 *
 * @param clients - a set. The subclass adds each new client to it, and removes a client whose connection has ended
 */
export function guardedClient(pg: Pg, clients: Set<Client>): typeof Client {
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
  class GuardedClient extends pg.Client {
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
      clients.add(this);
      this.once("end", () => clients.delete(this));
    }

    override emit(event: string | symbol, ...args: unknown[]): boolean {
      return isolate(() => super.emit(event, ...args)) ?? true;
    }
  }
  isolating.add(GuardedClient.prototype.emit);
  return GuardedClient;
}

/** Returns a subclass of pg's `Pool` for the store's own pool, whose listeners cannot disturb pg. */
export function guardedPool(pg: Pg): typeof Pool {
  return class extends pg.Pool {
    override emit(event: string | symbol, ...args: unknown[]): boolean {
      return isolate(() => super.emit(event as "error", ...(args as [Error, PoolClient]))) ?? true;
    }
  };
}

/** Maximum size of a message outside replies, and of all messages of a login, in bytes. Usual ones are much shorter. */
const largestOutside = 1_048_576;
/** Maximum number of messages about authentication. SCRAM takes four. */
const mostAuthentication = 16;
const authentication = "R".charCodeAt(0);
const readyForQuery = "Z".charCodeAt(0);

/** Returns a check for the messages of one connection outside replies. pg itself would accept any number of them. */
function admitOutside(): Admit {
  let isLoggedIn = false;
  let received = 0;
  let requests = 0;
  return (letter, length) => {
    if (letter === readyForQuery) isLoggedIn = true;
    received = isLoggedIn ? length : received + length;
    if (letter === authentication) requests++;
    const isUnexpected = letter === authentication && (isLoggedIn || requests > mostAuthentication);
    if (isUnexpected || received > largestOutside) throw new MalformedReply();
  };
}

/** Replaces a reader of pg with one that passes on only whole messages, so that pg never reads beyond their end. */
function guardReader(stream: Duplex, reader: Reader): void {
  const messages = new MessageReader((bytes, start, end) => {
    checkForPg(bytes, start, end);
    reader.call(stream, bytes.subarray(start, end));
    return true;
  }, admitOutside());
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

/** Letters of the first message of a server, and its answers to a request for TLS. */
const firstLetters: ReadonlySet<number | undefined> = new Set(Array.from("RENSv", (letter) => letter.charCodeAt(0)));

/** What the server sends while a client connects. */
export class Handshake {
  /** Whether the first byte shows that the server does not speak the protocol of Postgres. */
  isForeign = false;
  readonly #reported: Map<string, string> = new Map();
  readonly #needsBinding: boolean;
  #isBound = false;

  /** @param needsBinding - whether to close the connection before a login without channel binding */
  constructor(client: Client, needsBinding: boolean) {
    this.#needsBinding = needsBinding;
    const connection = client.connection as Connection;
    connection.stream?.once("data", ([letter]: Buffer) => {
      this.isForeign = !firstLetters.has(letter);
    });
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

  /** Why the login is not acceptable, or `undefined` if it is. */
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

/** Closes a client's connection without waiting for the server. Sends what has been written, unless it is connecting. */
export function hangUp(client: Client | PoolClient): void {
  const stream = (client as Client).connection?.stream as Partial<Socket> | undefined;
  // pg ends a connection by sending a message. Without this function, the socket would stay open until the server, which
  // may have stopped, closes its side.
  if (stream?.destroySoon !== undefined && !stream.connecting) stream.destroySoon();
  else stream?.destroy?.();
}

/** A client of the pool, with the process ID that the server reported when the client connected. */
export type PgClient = PoolClient & { readonly processID: number | null };

/** Throws a `FaultError` (`invalid-argument`) if the client lacks a member that manykv needs. */
export function checkClient(client: PoolClient): asserts client is PgClient {
  const { connection } = client as { readonly connection?: Connection };
  if (connection === undefined) throw lacks("Client.connection");
  if (typeof connection.stream?.listeners !== "function") throw lacks("Connection.stream");
  if (connection.stream.listeners("data").length === 0) throw lacks("a `data` listener on Connection.stream");
  if (guarded.get(connection) === false) throw lacks("a `data` listener that Connection.attachListeners adds");
  if (!("processID" in client)) throw lacks("Client.processID");
}

/**
 * Follows where messages begin and end in the bytes that pg reads outside replies. A message that the server sends at
 * any time, such as a notification, may arrive in pieces. A submission must not read its rest as a reply.
 */
export class MessageBoundary {
  readonly stream: Duplex;
  readonly #header: Buffer = Buffer.alloc(messageHeader);
  #filled = 0;
  #left = 0;
  #users = 0;

  private constructor(stream: Duplex) {
    this.stream = stream;
  }

  /** Returns the boundary of a client's connection, which all stores of this module share. */
  static of(client: PgClient): MessageBoundary {
    const { stream } = (client as unknown as { connection: Connection }).connection;
    const known = boundaries.get(stream);
    if (known !== undefined) return known;
    const boundary = new MessageBoundary(stream);
    boundaries.set(stream, boundary);
    return boundary;
  }

  /** Number of bytes until the header or the message is complete, or 0 between two messages. */
  get missing(): number {
    if (this.#left > 0) return this.#left;
    return this.#filled === 0 ? 0 : messageHeader - this.#filled;
  }

  /** Starts to follow the connection. Call this only between two messages. */
  enter(): void {
    if (this.#users++ === 0) this.stream.on("data", this.#follow);
  }

  /** Stops following the connection, unless another store still uses it. */
  leave(): void {
    if (--this.#users > 0) return;
    this.stream.off("data", this.#follow);
    boundaries.delete(this.stream);
  }

  readonly #follow = (chunk: Buffer): void => {
    let offset = 0;
    while (offset < chunk.length) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, chunk.length - offset);
        this.#left -= taken;
        offset += taken;
      } else {
        this.#header[this.#filled++] = chunk[offset++] as number;
        if (this.#filled < messageHeader) continue;
        this.#filled = 0;
        this.#left = Math.max(0, this.#header.readInt32BE(1) + 1 - messageHeader);
      }
    }
  };
}

const boundaries: WeakMap<Duplex, MessageBoundary> = new WeakMap();

/** Letters of the messages that pg needs: ReadyForQuery, notices, changed parameters and notifications. */
const forPg: ReadonlySet<number> = new Set(Array.from("ZNSA", (letter) => letter.charCodeAt(0)));
/** The events that pg's client emits for these messages. */
const clientEvents = ["drain", "notice", "notification"] as const;

/** Returns whether no listener can interrupt pg while it reads these messages: there is none, or `emit` isolates them all. */
function cannotBeInterrupted(client: PgClient): boolean {
  const { emit } = client;
  if (emit === plainEmit) return clientEvents.every((event) => client.listenerCount(event) === 0);
  return isolating.has(emit);
}

/** The result that a submission passes to pg's callback, for tracing tools. */
interface QueryResult {
  readonly rowCount: number | undefined;
  readonly rows: readonly never[];
  readonly fields: readonly never[];
}
type QueryCallback = (error: Error | null, result?: QueryResult) => void;

/** What pg's `Client.query` accepts. Tracing tools copy its own members, so its methods remember which copy pg calls. */
interface Submittable {
  readonly text: string;
  callback?: QueryCallback;
  submit(connection: Connection): Error | null;
  handleError(error: unknown): void;
  handleReadyForQuery(): void;
}

/**
 * A request and its reply on one connection.
 *
 * pg's reader decodes every field as UTF-8, which corrupts bytes, so programs fetch `bytea` as hexadecimal text. This
 * text is twice as long, and converting it takes longer than all other work. A submission therefore replaces pg's
 * reader until the reply is complete, and passes on the messages that pg needs. In pg, a malformed message causes an
 * uncaught exception. A submission closes the connection instead.
 */
export abstract class Submission {
  /** The socket. `undefined` until the request has been written to it. */
  protected stream: Duplex | undefined;
  readonly #text: string;
  readonly #request: Buffer;
  readonly #messages: MessageReader;
  #client: PgClient | undefined;
  #boundary: MessageBoundary | undefined;
  /** The object that pg holds: the one that `sendOver` passed, or the copy of a tracing tool. */
  #query: Submittable | undefined;
  #isReported = false;
  #readers: readonly Reader[] = [];

  /**
   * @param text - the SQL, for tracing tools. It contains no keys and no values
   * @param request - the messages of the statement, including Sync
   */
  constructor(text: string, request: Buffer, admit: Admit) {
    this.#text = text;
    this.#request = request;
    this.#messages = new MessageReader((bytes, start, end) => this.#onMessage(bytes, start, end), admit);
  }

  /** Reads the message from `start` to `end`. The last message of a reply is ReadyForQuery. */
  protected abstract read(bytes: Buffer, start: number, end: number): void;

  /** Called if the connection breaks or cannot be used, or if reading the reply throws. */
  protected abstract fail(error: unknown): void;

  /** Whether the request is settled or aborted, so that nothing waits for the reply. */
  protected abstract readonly ended: boolean;

  /** Why the request failed, or `null`. For tracing tools, so the error must contain no secret. */
  protected abstract readonly failure: Error | null;
  /** The number of rows that the server reported. */
  protected abstract readonly rowCount: number | undefined;

  /**
   * Sends the request as soon as pg has finished the previous query on this connection. Throws what `client.query`
   * throws, which may be the exception of another program that wraps the client.
   */
  sendOver(client: PgClient, boundary: MessageBoundary): void {
    this.#client = client;
    this.#boundary = boundary;
    const submission = this;
    const query: Submittable = {
      text: this.#text,
      submit({ stream }) {
        submission.#query = this;
        return submission.#submit(stream);
      },
      handleError(error) {
        submission.#query = this;
        submission.#leave();
        submission.fail(error);
        submission.#report();
      },
      handleReadyForQuery() {},
    };
    const { query: send } = client as unknown as { query(query: Submittable, callback: QueryCallback): unknown };
    Promise.resolve(send.call(client, query, () => {})).catch(() => {
      // A method that wraps `query` may return a promise. Once the request is sent, the reply tells what happened.
      if (this.stream === undefined)
        this.fail(unusable("`query` of the pool's client rejects: check the tools that wrap pg"));
    });
  }

  /** Called by pg when the connection is free. If this method returns an error, pg passes it to `handleError`. */
  #submit(stream: Duplex): Error | null {
    if (this.ended) return new Error("the request was aborted while it waited for the connection");
    this.#readers = stream.listeners("data") as Reader[];
    this.stream = stream;
    stream.on("data", this.#onData);
    for (const reader of this.#readers) stream.off("data", reader);
    stream.on("close", this.#onClose);
    stream.write(this.#request);
    return null;
  }

  readonly #onClose = (): void => {
    this.#leave();
    this.fail(undefined);
    this.#report();
  };

  readonly #onData = (chunk: Buffer): void => {
    try {
      const rest = this.#messages.read(this.#passRest(chunk));
      if (rest !== undefined && rest.length > 0) this.#pass(rest);
    } catch (error) {
      this.fail(error);
      this.stream?.destroy(new MalformedReply());
    }
  };

  /** Passes the rest of a message that began before the request to pg. Returns the bytes after it. */
  #passRest(chunk: Buffer): Buffer {
    let bytes = chunk;
    for (let missing = this.#boundary?.missing ?? 0; missing > 0 && bytes.length > 0; ) {
      this.#pass(bytes.subarray(0, missing));
      bytes = bytes.subarray(missing);
      missing = this.#boundary?.missing ?? 0;
    }
    return bytes;
  }

  #onMessage(bytes: Buffer, start: number, end: number): boolean {
    const letter = bytes[start] as number;
    this.read(bytes, start, end);
    if (letter === readyForQuery) {
      for (const reader of this.#readers) this.stream?.on("data", reader);
      this.stream?.off("data", this.#onData);
      this.#leave();
      this.#report();
    }
    if (forPg.has(letter)) this.#pass(bytes.subarray(start, end));
    return letter !== readyForQuery;
  }

  /**
   * Passes bytes to pg. A listener of the client that throws would interrupt pg's parser, which would then read the
   * message again and again.
   */
  #pass(bytes: Buffer): void {
    const client = this.#client as PgClient;
    // Usually, leave `emit` alone: once a property was deleted, every access to the client is slower.
    if (cannotBeInterrupted(client)) {
      this.#read(bytes);
      return;
    }
    const own = Object.getOwnPropertyDescriptor(client, "emit");
    const { emit } = client;
    const isolated: typeof emit = (...event) => isolate(() => Reflect.apply(emit, client, event)) ?? true;
    const isReplaced = Reflect.defineProperty(client, "emit", { value: isolated, configurable: true, writable: true });
    this.#read(bytes);
    // Other code has made the method read-only.
    if (!isReplaced) return;
    if (own === undefined) Reflect.deleteProperty(client, "emit");
    else Object.defineProperty(client, "emit", own);
  }

  #read(bytes: Buffer): void {
    for (const reader of this.#readers) isolate(() => reader.call(this.stream, bytes));
  }

  #leave(): void {
    this.stream?.off("close", this.#onClose);
  }

  /** Calls the callback, which tracing tools and pg's `query_timeout` replace, at most once. */
  #report(): void {
    if (this.#isReported) return;
    this.#isReported = true;
    const query = this.#query;
    const { failure, rowCount } = this;
    const result: QueryResult = { rowCount, rows: [], fields: [] };
    isolate(() => (failure === null ? query?.callback?.(null, result) : query?.callback?.(failure)));
  }
}
