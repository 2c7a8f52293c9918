/** Why a call is interrupted. */
export type Interruption = "timeout" | "aborted";

/** What a call waits for: an attempt, a pause or a fence. */
export interface Waiter {
  /** When to interrupt it, on the clock of `performance.now()`, in milliseconds. */
  readonly due: number;
  interrupt(why: Interruption): void;
}

/** The longest delay of a JavaScript timer, in milliseconds. */
const longestTimer = 2 ** 31 - 1;

/**
 * Interrupts waiters when they are due. One timer serves all calls of a store: setting and clearing a timer for each
 * would be a noticeable part of a small call. It keeps the process alive only while something waits.
 */
export class DeadlineTimer {
  readonly #waiters: Set<Waiter> = new Set();
  #timer: { ref?(): unknown; unref?(): unknown } | undefined;
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
    clearTimeout(this.#timer as ReturnType<typeof setTimeout>);
    this.#timer = undefined;
    this.#firesAt = Infinity;
  }

  #set(due: number): void {
    clearTimeout(this.#timer as ReturnType<typeof setTimeout>);
    const delay = Math.ceil(Math.max(0, due - performance.now()));
    this.#firesAt = due;
    this.#timer = setTimeout(this.#fire, Math.min(delay, longestTimer)) as unknown as { unref?(): unknown };
  }

  readonly #fire = (): void => {
    const now = performance.now();
    this.stop();
    const expired: Waiter[] = [];
    let next = Infinity;
    for (const waiter of this.#waiters) {
      if (waiter.due <= now) expired.push(waiter);
      else if (waiter.due < next) next = waiter.due;
    }
    if (next < Infinity) this.#set(next);
    for (const waiter of expired) {
      this.#waiters.delete(waiter);
      waiter.interrupt("timeout");
    }
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
