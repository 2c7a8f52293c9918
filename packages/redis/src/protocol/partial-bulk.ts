import { MalformedReply } from "./reply.js";

/** Maximum number of bytes to allocate before the first byte has arrived. */
const firstAllocation = 1_048_576;
/** Maximum number of bytes to allocate for each byte that has arrived. */
const growth = 4;
const lineEnd: readonly number[] = [0x0d, 0x0a];

/** Collects a bulk string that arrives in several chunks. The result has memory of exactly its size. */
export class PartialBulk {
  readonly #length: number;
  #bytes: Uint8Array<ArrayBuffer>;
  /** The number of bytes that have arrived, including the line end. */
  #received = 0;

  constructor(length: number) {
    this.#length = length;
    this.#bytes = allocate(Math.min(length, firstAllocation));
  }

  /** The whole string, or `undefined` while part of it is missing. */
  get value(): Uint8Array<ArrayBuffer> | undefined {
    return this.#received === this.#length + lineEnd.length ? this.#bytes : undefined;
  }

  /**
   * Copies the string's bytes from the chunk. Throws {@link MalformedReply} if other bytes than the line end follow.
   *
   * @returns the offset of the first byte after the string and its line end, or the end of the chunk
   */
  take(chunk: Uint8Array, from: number): number {
    let at = Math.min(from + Math.max(this.#length - this.#received, 0), chunk.length);
    if (at > from) this.#append(chunk.subarray(from, at));
    while (at < chunk.length && this.#received >= this.#length && this.value === undefined) {
      if (chunk[at++] !== lineEnd[this.#received - this.#length])
        throw new MalformedReply("a bulk string does not have its declared length");
      this.#received++;
    }
    return at;
  }

  #append(part: Uint8Array): void {
    const received = this.#received + part.length;
    if (received > this.#bytes.length) {
      // The declared length may be wrong, so allocate memory in proportion to the bytes that have arrived.
      const grown = allocate(Math.min(this.#length, received * growth));
      grown.set(this.#bytes.subarray(0, this.#received));
      this.#bytes = grown;
    }
    this.#bytes.set(part, this.#received);
    this.#received = received;
  }
}

/** Returns memory that is not zeroed. This is safe: a string is returned only after all its bytes have arrived. */
function allocate(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
}
