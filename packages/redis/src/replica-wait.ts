import { type Fault, StoreError } from "@manykv/core";
import { faultOfReply } from "./error-table.js";
import { encodeCommand } from "./protocol/encode-command.js";
import type { Reply } from "./protocol/exchange.js";
import { isCount } from "./replies.js";

/** How many replicas must have a write before it counts as done. */
export interface WaitOptions {
  /** At least 1. */
  readonly replicas: number;
  /** How long the server waits for them, in milliseconds. Default 1,000. */
  readonly timeout?: number | undefined;
}

/**
 * `WAIT` behind the writes of a request, in the same round trip. It makes the loss of acknowledged writes in a failover
 * less likely, not impossible: https://redis.io/docs/latest/commands/wait/#consistency-and-wait
 */
export class ReplicaWait {
  readonly command: Buffer;
  readonly #replicas: number;

  /** @throws {StoreError} `invalid-argument` for numbers that Redis does not take */
  constructor(options: WaitOptions) {
    if (typeof options !== "object" || options === null) {
      throw new StoreError("invalid-argument", "wait is not an object: pass { replicas, timeout }");
    }
    const { replicas, timeout = 1_000 } = options;
    if (!(Number.isInteger(replicas) && replicas >= 1)) {
      throw new StoreError("invalid-argument", "wait.replicas is not a whole number of 1 or more");
    }
    if (!(Number.isInteger(timeout) && timeout >= 1)) {
      throw new StoreError("invalid-argument", "wait.timeout is not a whole number of milliseconds above 0");
    }
    this.#replicas = replicas;
    this.command = encodeCommand("WAIT", `${replicas}`, `${timeout}`);
  }

  /** The fault of writes that the master has done, by the reply to `WAIT`: `undefined` where enough replicas have them. */
  faultOf(reply: Reply | undefined): Fault | undefined {
    if (reply instanceof Error) return { ...faultOfReply(reply), effect: "unknown" };
    return isCount(reply) && Number(reply) >= this.#replicas ? undefined : tooFew;
  }
}

const tooFew: Fault = Object.freeze({
  code: "unavailable",
  retryable: true,
  effect: "unknown",
  reason: "WAIT",
});
