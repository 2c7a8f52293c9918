import type { Exchange } from "../protocol/exchange.js";

/** One connection as bytes and replies, from the moment that it is open. */
export interface Wire {
  /** Whether commands can be sent over it now. */
  readonly usable: boolean;
  /** Bytes that came over it so far. */
  readonly bytesRead: number;
  /**
   * Writes `bytes`, which hold `count` commands, as one piece. Their replies arrive in the exchange.
   *
   * @param name - what a client's tracing calls them
   */
  send(name: string, bytes: Buffer, count: number): Exchange;
  /** Ends it at this side, without waiting for the other. What is in flight over it is lost. */
  destroy(): void;
}
