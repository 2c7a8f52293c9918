import { type DriverRequest, type Fault, FaultError, now } from "@manykv/core/driver";
import type { Pool, PoolClient } from "pg";
import { faultOfConnecting, noClientInTime, noFreeConnection, timedOut } from "../error-table.js";
import { isolate } from "./isolate.js";
import { checkClient, hangUp, isEnded, type PgClient, unusable } from "./pg-internals.js";

const poolEnded: Fault = { code: "closed", retryable: false, effect: "none", reason: "the caller ended the `pool`" };
const noClient: Fault = { ...timedOut, reason: noFreeConnection };

/** A request that waits for a client. */
interface Waiter {
  /** When the request began to wait, in milliseconds on the clock of `performance.now()`. */
  readonly since: number;
  accept(client: PgClient): void;
  refuse(fault: Fault): void;
}

/**
 * Requests that wait for a client of the pool, in the order in which they came.
 *
 * pg cannot remove a request from the queue of its pool. When a connection becomes free, each abandoned request
 * releases it, and pg calls the next one before this release returns, until the stack overflows. So requests wait here.
 * At most as many as the pool has connections wait in the pool's own queue, next to those of the caller.
 */
export class ClientQueue {
  readonly #pool: Pool;
  readonly #waiters: Set<Waiter> = new Set();
  /** Number of clients that the pool will still provide or refuse. */
  #requested = 0;
  #isRequesting = false;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /**
   * Returns a client that nothing else uses until it is released.
   *
   * @throws {FaultError} if the pool cannot provide a client, or if the request is aborted first.
   */
  take(request: DriverRequest): Promise<PgClient> {
    if (isEnded(this.#pool)) throw new FaultError(poolEnded);
    return new Promise((resolve, reject) => {
      const stopWaiting = (): void => {
        stopListening();
        this.#waiters.delete(waiter);
      };
      const waiter: Waiter = {
        since: now(),
        accept: (client) => {
          stopWaiting();
          resolve(client);
        },
        refuse: (fault) => {
          stopWaiting();
          reject(new FaultError(fault));
        },
      };
      const stopListening = request.onAbort(() => waiter.refuse(isEnded(this.#pool) ? poolEnded : noClient));
      this.#waiters.add(waiter);
      // Earlier requests may be stuck, for example because a host does not respond. So request one more client.
      if (this.#requested < this.#pool.options.max) this.#requestClient();
    });
  }

  /** Requests a client for each waiter, but at most as many as the pool has connections. */
  #requestClients(): void {
    // The pool may call back immediately. Then the loop of the outer call continues, so the call stack does not grow.
    if (this.#isRequesting) return;
    this.#isRequesting = true;
    while (this.#requested < Math.min(this.#waiters.size, this.#pool.options.max)) this.#requestClient();
    this.#isRequesting = false;
  }

  #requestClient(): void {
    this.#requested++;
    let isDone = false;
    let isPromised = false;
    const done = (error: unknown, client: PoolClient | undefined): void => {
      if (isDone) {
        if (client !== undefined && !isPromised) this.#handOut(client);
        return;
      }
      isDone = true;
      this.#requested--;
      if (client === undefined) this.#refuse(FaultError.is(error) ? error.fault : faultOfConnecting(error));
      else this.#handOut(client);
      this.#requestClients();
    };
    try {
      // pg calls the callback. A method that replaces `connect` may return a promise of a client instead.
      const connecting: unknown = this.#pool.connect(done);
      Promise.resolve(connecting).then(
        (client) => {
          if (isDone || !isClient(client)) return;
          isPromised = true;
          done(undefined, client);
        },
        (error) => {
          if (!isDone) done(error, undefined);
        },
      );
    } catch (error) {
      // pg throws if it cannot use a setting, for example if a certificate file is missing.
      done(FaultError.is(error) ? error : unusable("pg rejects a setting: check `url` or `pool`"), undefined);
    }
  }

  #handOut(client: PoolClient): void {
    // pg has removed its own `error` listener from the client. Without a listener, an `error` event would end the
    // process. This listener ignores the event, because the next exchange reports the broken connection.
    client.on("error", ignore);
    const [waiter] = this.#waiters;
    if (waiter === undefined) {
      // Releasing the client here would make pg hand it out within this call.
      queueMicrotask(() => returnClient(client, false));
      return;
    }
    try {
      checkClient(client);
    } catch (error) {
      returnClient(client, true);
      waiter.refuse((error as FaultError).fault);
      return;
    }
    waiter.accept(client);
  }

  /** Reports that the pool did not provide a client. */
  #refuse(fault: Fault): void {
    const [first] = this.#waiters;
    first?.refuse(fault);
    // A permanent refusal concerns all waiters. Without this line, each of them would connect only to be refused.
    if (!fault.retryable) for (const waiter of this.#waiters) waiter.refuse(fault);
    // The pool measures its time limit from the request to the pool. Waiters began earlier, so measure it here too.
    const limit = this.#pool.options.connectionTimeoutMillis;
    if (!limit) return;
    for (const waiter of this.#waiters) {
      if (now() - waiter.since < limit) return;
      waiter.refuse(noClientInTime);
    }
  }
}

function isClient(value: unknown): value is PoolClient {
  return typeof (value as Partial<PoolClient> | undefined)?.release === "function";
}

function ignore(): void {}

/** Returns a client to its pool, or closes it if its connection is broken. */
export function returnClient(client: PoolClient, isBroken: boolean): void {
  client.off("error", ignore);
  isolate(() => client.release(isBroken));
  if (isBroken) hangUp(client);
}
