import type { DriverRequest } from "@manykv/core";
import { Exchange, type Statement } from "../protocol/exchange.js";
import { ExchangeError } from "../protocol/exchange-failure.js";
import type { WireClient } from "../protocol/wire.js";
import type { Lease } from "./lease.js";

/** The server's process behind a connection. Process numbers are used again, so the start time goes with it. */
export interface Backend {
  readonly processId: number;
  /** A `timestamptz` as the server sends it. */
  readonly start: Uint8Array;
}

/** The start is null where the session's current role may not see what its login role does, as after SET ROLE. */
const whoAmI: Statement = {
  name: "",
  text: "SELECT pid, backend_start FROM pg_stat_get_activity(pg_backend_pid()) WHERE backend_start IS NOT NULL",
};

/** Remembers which process is behind each connection. */
export class Backends {
  readonly #known: WeakMap<WireClient, Backend | "hidden"> = new WeakMap();

  /**
   * The process behind a connection; `undefined` where a pooler or the session's role hides it. A pooler makes up a
   * process number when one connects, and serves each transaction by whatever process is free: to end one would hit
   * somebody else.
   *
   * Asks the server, once for each connection.
   *
   * @throws {ExchangeError} where the connection was lost meanwhile.
   */
  async of(lease: Lease, request: Pick<DriverRequest, "signal">): Promise<Backend | undefined> {
    let backend = this.#known.get(lease.client);
    if (backend === undefined) {
      backend = (await ask(lease, request)) ?? "hidden";
      this.#known.set(lease.client, backend);
    }
    return backend === "hidden" ? undefined : backend;
  }
}

async function ask(lease: Lease, request: Pick<DriverRequest, "signal">): Promise<Backend | undefined> {
  let backend: Backend | undefined;
  const exchange = new Exchange(whoAmI, [], (row) => {
    backend = { processId: row.integer(), start: row.bytes() };
  });
  try {
    await lease.run(exchange, request);
  } catch (error) {
    // A server that does not tell, such as one that is only compatible, serves all the same.
    if (error instanceof ExchangeError && error.failure.free) return undefined;
    throw error;
  }
  return backend?.processId === lease.client.processID ? backend : undefined;
}
