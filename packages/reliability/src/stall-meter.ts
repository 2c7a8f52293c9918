/** How often the meter looks, in milliseconds. */
const period = 10;

/** Adds up the time in which this process did not run, as on a machine with more work than processors. */
export class StallMeter implements Disposable {
  readonly #timer: ReturnType<typeof setInterval>;
  #last: number = performance.now();
  #total = 0;

  constructor() {
    this.#timer = setInterval(() => this.#look(), period).unref();
  }

  /** So far, in milliseconds. */
  get total(): number {
    this.#look();
    return this.#total;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = performance.now();
    this.#total += Math.max(0, now - this.#last - 2 * period);
    this.#last = now;
  }
}
