import timers from "node:timers";

/** Longest delay of a timer in milliseconds. As in Node.js, a longer delay or a delay below 1 counts as 1. */
const longestDelay = 2 ** 31 - 1;

interface Timer {
  readonly at: number;
  readonly fire: () => void;
}

/** The clock that replaces the real one, if any. */
let installed: VirtualTime | undefined;

// Core keeps the timers that exist when it loads, so that fake timers of a test do not affect it. So this module must
// load before core.
const { setTimeout, clearTimeout } = timers;
const now = performance.now.bind(performance);
const date = Date.now;
const replacements = {
  setTimeout: (callback: (...values: unknown[]) => void, delay?: number, ...values: unknown[]) =>
    installed === undefined ? setTimeout(callback, delay, ...values) : installed.add(() => callback(...values), delay),
  clearTimeout: (timer: Timer & NodeJS.Timeout) => {
    installed?.remove(timer);
    clearTimeout(timer);
  },
};
Object.defineProperties(replacements.setTimeout, Object.getOwnPropertyDescriptors(setTimeout));
Object.assign(timers, replacements);
Object.assign(globalThis, replacements);
performance.now = () => installed?.now ?? now();
Date.now = () => installed?.now ?? date();

/**
 * A clock that jumps from timer to timer. While it is installed, it replaces `setTimeout`, `clearTimeout`,
 * `performance.now`, `Date.now` and `Math.random`. A run then never waits for a timer, and a run can be repeated exactly.
 */
export class VirtualTime {
  #now = 0;
  /** Sorted by time, latest first. The last element fires next. */
  readonly #timers: Timer[] = [];

  get now(): number {
    return this.#now;
  }

  /**
   * Replaces `setTimeout`, `clearTimeout`, `performance.now` and `Date.now`, and replaces `Math.random` with `random`.
   * Returns a function that restores them.
   */
  install(random: () => number): () => void {
    const { random: ownRandom } = Math;
    installed = this;
    Math.random = random;
    return () => {
      installed = undefined;
      Math.random = ownRandom;
    };
  }

  /** Fires timers until none remains or `enough` returns `true`. */
  async run(enough: () => boolean = () => false): Promise<void> {
    for (;;) {
      await allJobs();
      if (enough()) return;
      const timer = this.#timers.pop();
      if (timer === undefined) return;
      this.#now = Math.max(this.#now, timer.at);
      timer.fire();
    }
  }

  add(fire: () => void, delay: number | undefined): Timer {
    const valid = delay !== undefined && delay >= 1 && delay <= longestDelay;
    const timer: Timer = { at: this.#now + (valid ? Math.trunc(delay) : 1), fire };
    let place = this.#timers.length;
    while (place > 0 && (this.#timers[place - 1] as Timer).at <= timer.at) place--;
    this.#timers.splice(place, 0, timer);
    return timer;
  }

  remove(timer: Timer | undefined): void {
    const place = timer === undefined ? -1 : this.#timers.indexOf(timer);
    if (place >= 0) this.#timers.splice(place, 1);
  }
}

const { setImmediate: immediately } = globalThis;

/** Resolves when all pending promise callbacks have run. */
function allJobs(): Promise<void> {
  return new Promise((resolve) => {
    immediately(resolve);
  });
}
