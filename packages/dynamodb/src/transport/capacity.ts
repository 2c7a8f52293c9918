import type { Departure } from "./departure.js";

interface Waiter {
  readonly amount: number;
  readonly departure: Departure;
  readonly enter: () => void;
}

/** Limits how much of something the requests in flight use together, such as sockets or memory. Others wait in order. */
export class Capacity {
  #free: number;
  readonly #waiting: Set<Waiter> = new Set();

  constructor(total: number) {
    this.#free = total;
  }

  /** Waits until `amount` is free. The request uses it until it ends. Never resolves if the request ends first. */
  take(amount: number, departure: Departure): Promise<void> {
    return new Promise((enter) => {
      const waiter = { amount, departure, enter };
      this.#waiting.add(waiter);
      if (this.#waiting.size === 1) this.#serve();
      departure.onEnd(() => {
        // Others wait only while requests use capacity. The end of these requests serves them.
        if (this.#waiting.delete(waiter)) return;
        this.#free += amount;
        this.#serve();
      });
    });
  }

  #serve(): void {
    for (const waiter of this.#waiting) {
      if (waiter.departure.isGivenUp) continue;
      if (waiter.amount > this.#free) return;
      this.#waiting.delete(waiter);
      this.#free -= waiter.amount;
      waiter.enter();
    }
  }
}
