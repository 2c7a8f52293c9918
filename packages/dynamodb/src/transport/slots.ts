import { type DriverRequest, FaultError } from "@manykv/core/driver";
import type { Departure } from "./departure.js";

/**
 * Limits how many requests are in flight. Others wait here and not in the HTTP agent, which would open new connections
 * even for cancelled requests.
 */
export class Slots {
  #free: number;
  readonly #waiting: Set<() => void> = new Set();

  constructor(count: number) {
    this.#free = count;
  }

  /**
   * Waits for a free slot and records it in `departure`.
   *
   * @throws {FaultError} `timeout` with effect `none` if the request is aborted first.
   */
  enter(request: DriverRequest, departure: Departure): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        this.#waiting.delete(enter);
        reject(new FaultError({ code: "timeout", retryable: true, effect: "none" }));
      };
      if (request.aborted) return giveUp();
      if (this.#free > 0) {
        this.#free--;
        departure.hasSlot = true;
        return resolve();
      }
      const stopListening = request.onAbort(giveUp);
      const enter = (): void => {
        stopListening();
        departure.hasSlot = true;
        resolve();
      };
      this.#waiting.add(enter);
    });
  }

  /** Frees a slot, or hands it over to the request that has waited longest. */
  release(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#free++;
    else {
      this.#waiting.delete(next);
      next();
    }
  }
}
