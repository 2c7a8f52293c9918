/** The `Date` header has whole seconds. */
const precision = 1_000;
/** Maximum delay of a new second in the `Date` header, in milliseconds. Servers often format it once per second. */
const lateness = 100;

/**
 * Estimates the time of the service. A request cannot use the service's own clock, but each response has a `Date` header:
 * the service's time was within this second at some moment between sending and receiving. So each response limits how far
 * the clock of this machine can be wrong. If that clock agrees with all responses, this class does not correct it.
 */
export class ServiceClock {
  /** The service's time minus the time of this machine, in milliseconds, is at least `#lower` and at most `#upper`. */
  #lower = -Infinity;
  #upper = Infinity;

  /** Returns the time of the service in milliseconds since 1970. Before the first response, the time of this machine. */
  now(): number {
    return Date.now() + Math.min(Math.max(0, this.#lower), this.#upper);
  }

  /** Returns when a key expires that is written now, in milliseconds since 1970. */
  expiryAfter(ttl: number): number {
    return Math.min(this.now() + ttl, Number.MAX_SAFE_INTEGER);
  }

  /**
   * Learns from a response.
   *
   * @param sentAt - when the request was sent, in milliseconds on the clock of this machine
   * @param receivedAt - when the response was received
   * @param date - the `Date` header of the response. Ignored if it is missing or not a date
   */
  observe(sentAt: number, receivedAt: number, date: string | undefined): void {
    const second = Date.parse(date ?? "");
    const lower = second - receivedAt;
    const upper = second + precision + lateness - sentAt;
    // Also false if the header is not a date, or if the clock was set back during the request.
    if (!(lower <= upper)) return;
    this.#lower = Math.max(this.#lower, lower);
    this.#upper = Math.min(this.#upper, upper);
    if (this.#lower <= this.#upper) return;
    // The clock of this machine or of the service was set.
    this.#lower = lower;
    this.#upper = upper;
  }
}
