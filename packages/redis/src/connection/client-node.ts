import { setTimeout as pause } from "node:timers/promises";
import type { DriverRequest } from "@manykv/core";
import type { Redis } from "ioredis";
import { faultOfConnecting } from "../error-table.js";
import { FaultError } from "../fault-error.js";
import { ClientWire } from "./client-wire.js";
import { Connection } from "./connection.js";
import { answeringGuard } from "./guard.js";
import { type Identity, identify } from "./identity.js";
import { oneConnection, openRedis } from "./open-redis.js";
import type { RedisNode } from "./redis-node.js";
import type { Wire } from "./wire.js";
import { within } from "./within.js";

/** In milliseconds. */
const closingPause = 5;

/** Uses the caller's client, which opens its connections by its own rules and stays open. */
export class ClientNode implements RedisNode {
  readonly #client: Redis;
  readonly #connectTimeout: number;
  readonly #check: (identity: Identity) => void;
  #connection: Connection | undefined;
  #ready: Promise<void> | undefined;
  #identifying: { readonly stream: Redis["stream"]; readonly done: Promise<Connection> } | undefined;

  /**
   * @param connectTimeout - of a second connection, in milliseconds
   * @param check - throws where the server is not one to be used
   */
  constructor(client: Redis, connectTimeout: number, check: (identity: Identity) => void) {
    this.#client = client;
    this.#connectTimeout = connectTimeout;
    this.#check = check;
  }

  get current(): Connection | undefined {
    return this.#connection?.usable ? this.#connection : undefined;
  }

  get idle(): boolean {
    return this.#connection?.idle ?? true;
  }

  async connection(request: DriverRequest): Promise<Connection> {
    for (;;) {
      const inquiry = this.#connection?.inquiry;
      if (inquiry !== undefined) {
        const over = inquiry.catch(() => {});
        await within(request, over);
      }
      if (this.#client.status !== "ready") await within(request, this.#whenReady());
      const connection = await within(request, this.#identify());
      if (connection.usable) return connection;
      // Its socket is closing, which the client learns in a moment.
      await within(request, pause(closingPause));
    }
  }

  /** The client is the caller's: it reconnects by its own rules. */
  retire(): void {}

  close(): void {}

  /** Once for all who wait: Node takes many listeners of one client for a leak. */
  #whenReady(): Promise<void> {
    this.#ready ??= whenReady(this.#client).finally(() => {
      this.#ready = undefined;
    });
    return this.#ready;
  }

  /** Once for each connection that the client opens. */
  #identify(): Promise<Connection> {
    const { stream } = this.#client;
    if (this.#identifying?.stream !== stream) {
      const done = this.#open();
      this.#identifying = { stream, done };
      // What failed may succeed later over the same connection: a replica can become a master.
      done.catch(() => {
        this.#identifying = undefined;
      });
    }
    return this.#identifying.done;
  }

  async #open(): Promise<Connection> {
    const wire = new ClientWire(this.#client);
    const identity = await identify(wire);
    this.#check(identity);
    // What was given up over the one before must not land after what is written over this one.
    await this.#connection?.endOver(wire).catch(() => {});
    this.#connection = new Connection(wire, identity, () => this.#openGuard());
    return this.#connection;
  }

  async #openGuard(): Promise<Wire> {
    return openRedis(this.#client.duplicate(oneConnection), this.#connectTimeout, answeringGuard);
  }
}

/** @throws {FaultError} why the client is not ready and may not become so */
function whenReady(client: Redis): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (end: () => void): void => {
      client.off("ready", ready).off("error", failed).off("end", ended);
      end();
    };
    const ready = (): void => settle(resolve);
    const failed = (error: unknown): void => settle(() => reject(new FaultError(faultOfConnecting(error))));
    const ended = (): void => settle(() => reject(new FaultError(clientClosed)));
    if (client.status === "end") return reject(new FaultError(clientClosed));
    client.on("ready", ready).on("error", failed).on("end", ended);
    // What makes this fail comes as an event too.
    if (client.status === "wait") client.connect().catch(() => {});
  });
}

const clientClosed = Object.freeze({
  code: "unavailable",
  retryable: false,
  effect: "none",
  reason: "the client is closed",
} as const);
