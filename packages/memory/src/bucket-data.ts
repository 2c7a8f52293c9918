import type { SwapResult } from "@manykv/core";
import { addToInteger, FaultError, type ListAnswer } from "@manykv/core/driver";

/** Number of keys that each write with a `ttl` checks for expiry, so that expired keys do not accumulate. */
const checksPerWrite = 20;

const pageSize = 1_000;

/**
 * The keys and values of one bucket, for programs that cannot wait for promises. The methods do not check or copy keys and
 * values. An expired key is deleted when a method meets it.
 */
export class BucketData {
  readonly #values: Map<string, Uint8Array<ArrayBuffer>> = new Map();
  /** When keys expire, in milliseconds on the clock of `Date.now()`. Contains only keys that expire. */
  readonly #expiries: Map<string, number> = new Map();
  /** Continues through `#expiries` with each write of an expiring key. */
  #sweep: Iterator<[string, number]> = this.#expiries.entries();
  /**
   * The keys in sorted order. Created when a page is listed, and discarded when a key is added or more than half of
   * these keys are deleted. A program that deletes each page after listing it therefore causes few sorts.
   */
  #sorted: readonly string[] | undefined;
  /** Starts each cursor, because the key in a cursor of another bucket would silently skip keys of this one. */
  readonly #cursorPrefix: string;

  /** @param name - of the bucket */
  constructor(name: string) {
    this.#cursorPrefix = `${name} `;
  }

  get(key: string): Uint8Array<ArrayBuffer> | undefined {
    if (this.#expiries.size > 0) this.#deleteIfExpired(key);
    return this.#values.get(key);
  }

  has(key: string): boolean {
    if (this.#expiries.size > 0) this.#deleteIfExpired(key);
    return this.#values.has(key);
  }

  /** Returns when a key expires, in milliseconds on the clock of `Date.now()`. `undefined` if it does not expire. */
  expiryOf(key: string): number | undefined {
    return this.#expiries.get(key);
  }

  /** @param expiry - when the key expires, in milliseconds on the clock of `Date.now()`. Default: it does not */
  set(key: string, value: Uint8Array<ArrayBuffer>, expiry?: number): void {
    const { size } = this.#values;
    this.#values.set(key, value);
    if (this.#values.size !== size) this.#sorted = undefined;
    if (expiry !== undefined) {
      this.#expiries.set(key, expiry);
      this.#sweepSome();
    } else if (this.#expiries.size > 0) this.#expiries.delete(key);
  }

  delete(key: string): void {
    if (!this.#values.delete(key)) return;
    this.#expiries.delete(key);
    if ((this.#sorted?.length ?? 0) > 2 * this.#values.size) this.#sorted = undefined;
  }

  /** Deletes all expired keys and returns their number. */
  sweep(): number {
    const { size } = this.#values;
    for (const key of this.#expiries.keys()) this.#deleteIfExpired(key);
    return size - this.#values.size;
  }

  get isEmpty(): boolean {
    for (const key of this.#values.keys()) if (this.has(key)) return false;
    return true;
  }

  /**
   * Adds a number to an integer, as the driver method of this name does.
   *
   * @param expiry - when the key expires if this call creates it
   */
  increment(key: string, delta: bigint, expiry?: number): bigint {
    const stored = this.get(key);
    const sum = addToInteger(stored, delta);
    this.set(
      key,
      Uint8Array.from(String(sum), (digit) => digit.charCodeAt(0)),
      stored === undefined ? expiry : this.expiryOf(key),
    );
    return sum;
  }

  /** Replaces a value that equals the expected one, as the driver method of this name does. */
  compareAndSwap(
    key: string,
    expected: Uint8Array | undefined,
    value: Uint8Array<ArrayBuffer> | undefined,
  ): SwapResult {
    const current = this.get(key);
    if (!areEqual(current, expected)) return { swapped: false, current };
    if (value === undefined) this.delete(key);
    else this.set(key, value, this.expiryOf(key));
    return { swapped: true };
  }

  /**
   * Returns a page of keys that start with `prefix`, ordered by UTF-16 code units. Added or deleted keys do not affect the
   * cursor, which contains the page's last key.
   *
   * @throws {FaultError} `invalid-argument` if the cursor is not from an earlier page of a bucket with this name.
   */
  list(prefix: string, cursor: string | undefined): ListAnswer {
    const last = cursor === undefined ? "" : this.#keyOf(cursor);
    this.#sorted ??= [...this.#values.keys()].sort();
    const sorted = this.#sorted;
    const start = firstIndex(sorted, (key) => key >= prefix && (cursor === undefined || key > last));
    const end = firstIndex(sorted, (key) => key >= prefix && !key.startsWith(prefix));
    const someAreGone = this.#expiries.size > 0 || sorted.length > this.#values.size;
    const keys: string[] = [];
    for (let index = start; index < end; index++) {
      const key = sorted[index] as string;
      if (someAreGone && !this.has(key)) continue;
      if (keys.length === pageSize) return { keys, cursor: this.#cursorPrefix + keys.at(-1) };
      keys.push(key);
    }
    return { keys };
  }

  #keyOf(cursor: string): string {
    if (cursor.startsWith(this.#cursorPrefix)) return cursor.slice(this.#cursorPrefix.length);
    throw new FaultError({
      code: "invalid-argument",
      retryable: false,
      effect: "none",
      reason: "the cursor is invalid: pass a cursor that listKeys returned for this bucket",
    });
  }

  #deleteIfExpired(key: string): void {
    const expiry = this.#expiries.get(key);
    // `Date.now()` rounds down, so in the millisecond of the expiry the time to live may not be over.
    if (expiry !== undefined && expiry < Date.now()) this.delete(key);
  }

  #sweepSome(): void {
    for (let checked = 0; checked < checksPerWrite; checked++) {
      const next = this.#sweep.next();
      if (next.done) {
        this.#sweep = this.#expiries.entries();
        return;
      }
      this.#deleteIfExpired(next.value[0]);
    }
  }
}

function areEqual(left: Uint8Array | undefined, right: Uint8Array | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}

/** Uses binary search to find the first key with a property that all later keys have too. */
function firstIndex(sorted: readonly string[], isFrom: (key: string) => boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isFrom(sorted[middle] as string)) high = middle;
    else low = middle + 1;
  }
  return low;
}
