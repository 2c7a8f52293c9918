import type { Call } from "./call.js";

/** Limits the number of requests that a store has in flight. Requests over the limit wait in the order of arrival. */
export class Slots {
  #free: number;
  readonly #waiting: Set<() => void> = new Set();

  constructor(size: number) {
    this.#free = size;
  }

  /** Waits for a slot. Returns whether the call has one. Returns `false` if the call is interrupted before its turn. */
  async take(call: Call): Promise<boolean> {
    if (this.#free >= 1) {
      this.#free--;
      return true;
    }
    let proceed!: () => void;
    const turn = new Promise<void>((resolve) => {
      proceed = resolve;
    });
    this.#waiting.add(proceed);
    await call.race(turn, call.deadline);
    // If `release` handed the slot over at the same time as the interruption, the call has the slot.
    return !this.#waiting.delete(proceed);
  }

  release(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#free++;
    else {
      this.#waiting.delete(next);
      next();
    }
  }
}
