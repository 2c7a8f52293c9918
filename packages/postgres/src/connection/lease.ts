import { type DriverRequest, isAborted, onAbort } from "@manykv/core";
import type { Exchange } from "../protocol/exchange.js";
import { ExchangeError } from "../protocol/exchange-failure.js";
import { checkWireClient, type WireClient } from "../protocol/wire.js";

/** A connection while it is ours. */
export class Lease {
  readonly client: WireClient;
  /** Whether nobody knows what comes next on the connection. */
  #spoilt = false;

  constructor(client: WireClient) {
    this.client = client;
    // Lost while it is ours: the exchange that is under way tells. Unheard, the event would end the process.
    client.on("error", ignore);
  }

  /**
   * @throws {ExchangeError} at once when the signal fires.
   * @throws {UnsupportedClient}
   */
  async run(exchange: Exchange, request: Pick<DriverRequest, "signal">): Promise<void> {
    const abandon = (): void => exchange.abandon();
    const off = onAbort(request, abandon);
    try {
      checkWireClient(this.client);
      if (isAborted(request)) abandon();
      else this.client.query(exchange);
      await exchange.done;
    } catch (error) {
      this.#spoilt = !(error instanceof ExchangeError && error.failure.free);
      throw error;
    } finally {
      off();
    }
  }

  /** Gives the connection back, or closes it. */
  end(): void {
    this.client.off("error", ignore);
    this.client.release(this.#spoilt);
  }
}

function ignore(): void {}
