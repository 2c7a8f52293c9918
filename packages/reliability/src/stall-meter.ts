/** Interval between two measurements, in milliseconds. */
const period = 10;

/** Measures how long the event loop of this process could not run, for example because the machine is overloaded. */
export class StallMeter implements Disposable {
  readonly #timer: ReturnType<typeof setInterval>;
  #last: number = performance.now();
  #total = 0;

  constructor() {
    this.#timer = setInterval(() => this.#look(), period).unref();
  }

  /** Total time during which the event loop could not run, in milliseconds, without the first 10 ms of each stall. */
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
