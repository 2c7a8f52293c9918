/** Why a call is interrupted. */
export type Interruption = "timeout" | "aborted";

/** Something that a call waits for. */
export interface Waiter {
  /** When it is interrupted, on the clock of `performance.now()`, in milliseconds. */
  readonly due: number;
  readonly interrupt: (why: Interruption) => void;
}

/** The longest delay of a JavaScript timer, in milliseconds. */
const longestTimer = 2 ** 31 - 1;

/**
 * Interrupts waiters when they are due. One timer serves all calls of a store: setting and clearing a timer for each
 * would be a noticeable part of a small call. It keeps the process alive only while something waits.
 */
export class DeadlineTimer {
  readonly #waiters: Set<Waiter> = new Set();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the timer fires: at or before the first waiter is due. */
  #firesAt = Infinity;

  add(waiter: Waiter): void {
    this.#waiters.add(waiter);
    if (waiter.due < this.#firesAt) this.#set(waiter.due);
    else if (this.#waiters.size === 1) this.#timer?.ref?.();
  }

  delete(waiter: Waiter): void {
    if (this.#waiters.delete(waiter) && this.#waiters.size === 0) this.#timer?.unref?.();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#firesAt = Infinity;
  }

  #set(due: number): void {
    this.stop();
    this.#firesAt = due;
    const delay = Math.ceil(Math.max(0, due - performance.now()));
    this.#timer = setTimeout(this.#fire, Math.min(delay, longestTimer));
  }

  readonly #fire = (): void => {
    const now = performance.now();
    const waiters = [...this.#waiters];
    this.stop();
    const next = waiters.reduce(
      (due, waiter) => (waiter.due > now ? Math.min(due, waiter.due) : due),
      Infinity,
    );
    if (next < Infinity) this.#set(next);
    for (const waiter of waiters) if (waiter.due <= now) waiter.interrupt("timeout");
  };
}

/**
 * Listens to callers' signals, once to each signal however many calls share it: Node.js warns about a possible leak from
 * the eleventh listener, although sharing one signal among a hundred calls is fine.
 */
export class SharedAbortListeners {
  readonly #bySignal: WeakMap<AbortSignal, Set<() => void>> = new WeakMap();

  /** Calls `listener` when the signal fires. Returns a function that removes it. */
  add(signal: AbortSignal, listener: () => void): () => void {
    let listeners = this.#bySignal.get(signal);
    if (listeners === undefined) {
      listeners = new Set();
      this.#bySignal.set(signal, listeners);
      signal.addEventListener("abort", this.#notify);
    }
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size > 0) return;
      this.#bySignal.delete(signal);
      signal.removeEventListener("abort", this.#notify);
    };
  }

  readonly #notify = ({ target }: Event): void => {
    for (const listener of [...(this.#bySignal.get(target as AbortSignal) ?? [])]) listener();
  };
}

/** Resolves in the next turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === "function") setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}
