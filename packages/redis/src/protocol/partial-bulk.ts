import { carriageReturn, lineFeed } from "./ascii.js";
import { MalformedReply } from "./malformed-reply.js";

/** Memory that is taken before any byte has come, at the most. */
const taken = 1_048_576;
/** Memory that is taken for each byte that has come, at the most. */
const growth = 4;

/** A bulk string that comes in several chunks, put together in memory that ends up just its size. */
export class PartialBulk {
  readonly #length: number;
  #bytes: Uint8Array<ArrayBuffer>;
  /** Bytes that have come, those of the line end included. */
  #received = 0;

  constructor(length: number) {
    this.#length = length;
    this.#bytes = new Uint8Array(Math.min(length, taken));
  }

  /** The whole, or `undefined` while some of it is missing. */
  get value(): Uint8Array | undefined {
    return this.#received === this.#length + 2 ? this.#bytes : undefined;
  }

  /**
   * Takes what belongs to it.
   *
   * @returns where in the chunk that ends
   */
  take(chunk: Uint8Array, from: number): number {
    let at = Math.min(from + Math.max(this.#length - this.#received, 0), chunk.length);
    if (at > from) this.#append(chunk.subarray(from, at));
    if (this.#received === this.#length && at < chunk.length) this.#expect(chunk[at++], carriageReturn);
    if (this.#received === this.#length + 1 && at < chunk.length) this.#expect(chunk[at++], lineFeed);
    return at;
  }

  #append(part: Uint8Array): void {
    const received = this.#received + part.length;
    if (received > this.#bytes.length) {
      // A length is what the other side says: memory follows what really comes.
      const grown = new Uint8Array(Math.min(this.#length, received * growth));
      grown.set(this.#bytes.subarray(0, this.#received));
      this.#bytes = grown;
    }
    this.#bytes.set(part, this.#received);
    this.#received = received;
  }

  #expect(byte: number | undefined, expected: number): void {
    if (byte !== expected) throw new MalformedReply("a bulk string does not end where it should");
    this.#received++;
  }
}
