/**
 * Listens to callers' signals: once to each, however many calls share it. Node warns of a leak from the eleventh
 * listener on, and a program that gives one signal to a hundred calls has none.
 */
export class SignalHub {
  readonly #sharers: WeakMap<AbortSignal, Sharers> = new WeakMap();

  /** Calls `listener` when the signal fires, until the function that it gives is called. */
  listen(signal: AbortSignal, listener: () => void): () => void {
    let sharers = this.#sharers.get(signal);
    if (sharers === undefined) {
      sharers = new Sharers(signal);
      this.#sharers.set(signal, sharers);
    }
    return sharers.add(listener);
  }
}

/** The listeners that share one signal. The signal is listened to while there is one. */
class Sharers {
  readonly #signal: AbortSignal;
  readonly #listeners: Set<() => void> = new Set();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  add(listener: () => void): () => void {
    if (this.#listeners.size === 0) this.#signal.addEventListener("abort", this.#notify);
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#signal.removeEventListener("abort", this.#notify);
    };
  }

  readonly #notify = (): void => {
    for (const listener of [...this.#listeners]) listener();
  };
}
