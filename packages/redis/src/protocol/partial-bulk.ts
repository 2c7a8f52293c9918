import { MalformedReply } from "./reply.js";

/** Most memory to allocate before any byte has arrived. */
const firstAllocation = 1_048_576;
/** Most memory to allocate per byte that has arrived. */
const growth = 4;
const lineEnd: readonly number[] = [0x0d, 0x0a];

/** A bulk string that arrives in several chunks. Ends up in memory of exactly its size. */
export class PartialBulk {
  readonly #length: number;
  #bytes: Uint8Array<ArrayBuffer>;
  /** Bytes that have arrived, line end included. */
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
   * Takes the bytes of the chunk that belong to the string.
   *
   * @returns the offset of the first byte after them
   */
  take(chunk: Uint8Array, from: number): number {
    let at = Math.min(from + Math.max(this.#length - this.#received, 0), chunk.length);
    if (at > from) this.#append(chunk.subarray(from, at));
    while (at < chunk.length && this.#received >= this.#length && this.value === undefined) {
      if (chunk[at++] !== lineEnd[this.#received - this.#length])
        throw new MalformedReply("a bulk string does not end where its length says");
      this.#received++;
    }
    return at;
  }

  #append(part: Uint8Array): void {
    const received = this.#received + part.length;
    if (received > this.#bytes.length) {
      // The length is only a claim by the other side, so memory follows what really arrives.
      const grown = allocate(Math.min(this.#length, received * growth));
      grown.set(this.#bytes.subarray(0, this.#received));
      this.#bytes = grown;
    }
    this.#bytes.set(part, this.#received);
    this.#received = received;
  }
}

/** Returns memory that is not cleared: a string is handed out only once all of it has arrived. */
function allocate(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
}
