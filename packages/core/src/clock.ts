type Timers = Pick<typeof globalThis, "setTimeout" | "clearTimeout"> & {
  readonly setImmediate?: (callback: () => void) => unknown;
};

const { process } = globalThis as { process?: { getBuiltinModule?(id: string): Timers } };

// Tests replace the global timers with fake ones, often while calls are waiting. So this module keeps the real ones.
const { setTimeout, clearTimeout, setImmediate }: Timers = process?.getBuiltinModule?.("node:timers") ?? globalThis;

/** Returns the time in milliseconds, like `performance.now()`, but fake timers of a test do not affect it. */
export const now: () => number = performance.now.bind(performance);

/** A timer of {@link setTimer}. */
export type Timer = ReturnType<typeof globalThis.setTimeout>;

/** Does the same as `setTimeout`, but fake timers of a test do not affect it. */
export function setTimer(callback: () => void, milliseconds: number): Timer {
  return setTimeout(callback, milliseconds);
}

/** Stops a timer of {@link setTimer}. */
export function clearTimer(timer: Timer | undefined): void {
  clearTimeout(timer);
}

/** Resolves in the next turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (setImmediate === undefined) setTimeout(resolve, 0);
    else setImmediate(resolve);
  });
}
