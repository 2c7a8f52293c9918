import { type DriverRequest, type Fault, FaultError, waitFor } from "@manykv/core/driver";
import type { Pool, PoolClient } from "pg";
import { faultOfConnecting, timedOut } from "../error-table.js";
import { CheckedOutClient, ConnectionState } from "./checked-out-client.js";
import type { OwnPool } from "./own-pool.js";
import { unusable } from "./pg-internals.js";

const poolEnded: Fault = {
  code: "closed",
  retryable: false,
  effect: "none",
  reason: "the `pool` was ended",
};

/** Checks clients out of the caller's pool or the store's own. */
export class ClientPool {
  readonly #own: OwnPool | undefined;
  #pool: Pool | undefined;
  readonly #states: WeakMap<PoolClient, ConnectionState> = new WeakMap();

  constructor(pool: Pool | OwnPool) {
    if ("open" in pool) this.#own = pool;
    else this.#pool = pool;
  }

  /**
   * Gets a client that nothing else uses until it is released.
   *
   * @throws {FaultError} if there is none, or none by the time that the request is aborted.
   */
  async checkOut(request: DriverRequest): Promise<CheckedOutClient> {
    this.#pool ??= await waitFor(request, (this.#own as OwnPool).open());
    if (request.aborted) throw new FaultError(tooLate);
    if (this.#pool.ending) throw new FaultError(poolEnded);
    const client = await connect(this.#pool, request);
    let state = this.#states.get(client);
    if (state === undefined) {
      state = new ConnectionState();
      this.#states.set(client, state);
    }
    return new CheckedOutClient(client, state);
  }
}

const tooLate: Fault = { ...timedOut, reason: "no free connection" };

function connect(pool: Pool, request: DriverRequest): Promise<PoolClient> {
  return new Promise((resolve, reject) => {
    let aborted = false;
    const stopListening = request.onAbort(() => {
      aborted = true;
      reject(new FaultError(tooLate));
    });
    const connected = (error: unknown, client: PoolClient | undefined): void => {
      // A request for a client cannot be withdrawn from the pool, so one that comes too late is released immediately.
      if (aborted) return client?.release();
      stopListening();
      if (client === undefined) reject(FaultError.is(error) ? error : new FaultError(faultOfConnecting(error)));
      else resolve(client);
    };
    try {
      pool.connect(connected);
    } catch (error) {
      // pg throws if it cannot use its settings, for example if the file of a certificate is missing.
      connected(FaultError.is(error) ? error : unusable("pg rejects the connection settings"), undefined);
    }
  });
}
