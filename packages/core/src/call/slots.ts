import type { Call } from "./call.js";

/** Limits the number of requests that a store has in flight. Requests over the limit wait in the order of arrival. */
export class Slots {
  #free: number;
  readonly #waiting: Set<() => void> = new Set();

  constructor(size: number) {
    this.#free = size;
  }

  /** Runs `work` in a slot. Waits for the slot, and calls `giveUp` instead if the call is interrupted first. */
  async use<Result>(call: Call, work: () => Promise<Result>, giveUp: () => Result): Promise<Result> {
    if (this.#free > 0) this.#free--;
    else if (!(await this.#wait(call))) return giveUp();
    try {
      return await work();
    } finally {
      this.#release();
    }
  }

  async #wait(call: Call): Promise<boolean> {
    let proceed!: () => void;
    const turn = new Promise<void>((resolve) => {
      proceed = resolve;
    });
    this.#waiting.add(proceed);
    if (typeof (await call.race(turn, call.deadline)) !== "string") return true;
    // If the slot was handed over at the same time, pass it on.
    if (!this.#waiting.delete(proceed)) this.#release();
    return false;
  }

  #release(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#free++;
    else {
      this.#waiting.delete(next);
      next();
    }
  }
}
