import type { Redis } from "ioredis";
import type { Exchange } from "../protocol/exchange.js";
import { exchange } from "../protocol/prepared-command.js";
import type { Wire } from "./wire.js";

/** The connection that the caller's client has open: the client writes and reads, for its other users too. */
export class ClientWire implements Wire {
  readonly #client: Redis;
  readonly #stream: Redis["stream"];

  constructor(client: Redis) {
    this.#client = client;
    this.#stream = client.stream;
  }

  get usable(): boolean {
    const { status, stream } = this.#client;
    return status === "ready" && stream === this.#stream && stream.writable;
  }

  get bytesRead(): number {
    return this.#stream.bytesRead;
  }

  send(name: string, bytes: Buffer, count: number): Exchange {
    return exchange(this.#client, name, bytes, count);
  }

  destroy(): void {
    this.#stream.destroy();
  }
}
