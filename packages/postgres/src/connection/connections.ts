import { type DriverRequest, type Fault, isAborted, onAbort } from "@manykv/core";
import type { Pool } from "pg";
import { faultOfConnecting, overdue } from "../error-table.js";
import { FaultError } from "../fault-error.js";
import type { WireClient } from "../protocol/wire.js";
import { Lease } from "./lease.js";

/** Somebody ended the pool that was theirs. */
const ended: Fault = { code: "closed", retryable: false, effect: "none", reason: "the pool was ended" };

/** Lends connections of a pool. */
export class Connections {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /**
   * @throws {FaultError} where there is none, or none by the time that the signal fires. Of a pool one cannot withdraw
   * a request, so a connection that comes too late goes straight back.
   */
  lease(request: Pick<DriverRequest, "signal">): Promise<Lease> {
    return new Promise((resolve, reject) => {
      let abandoned = false;
      const abandon = (): void => {
        abandoned = true;
        reject(new FaultError({ ...overdue, reason: "no connection yet" }));
      };
      if (isAborted(request)) return abandon();
      if (this.#pool.ending) return reject(new FaultError(ended));
      const off = onAbort(request, abandon);
      this.#connect((error, client) => {
        if (abandoned) return void client?.release();
        off();
        if (client === undefined) reject(new FaultError(faultOfConnecting(error)));
        else resolve(new Lease(client));
      });
    });
  }

  /** pg throws where its settings cannot be used, such as a missing certificate file. */
  #connect(callback: (error: unknown, client: WireClient | undefined) => void): void {
    try {
      this.#pool.connect(callback);
    } catch (error) {
      callback(error, undefined);
    }
  }
}
