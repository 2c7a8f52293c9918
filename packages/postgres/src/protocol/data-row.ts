import { MalformedAnswer } from "./malformed-answer.js";
import { messageHeader } from "./message-reader.js";

/** Takes each row of an answer. The row is the same object each time: read it at once. */
export type OnRow = (row: DataRow) => void;

/**
 * The fields of one row in binary form, read one after the other. Every length is checked, so that a malformed row is
 * an error and never a value of other bytes.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html (DataRow)
 */
export class DataRow {
  #bytes: Buffer = Buffer.alloc(0);
  #memory: ArrayBufferLike = this.#bytes.buffer;
  /** Where the bytes begin in their memory. */
  #base = 0;
  #offset = 0;
  #end = 0;

  /** Goes to the first field of the message from `start` to `end`. */
  open(bytes: Buffer, start: number, end: number): void {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#memory = bytes.buffer;
      this.#base = bytes.byteOffset;
    }
    this.#offset = start + messageHeader + 2;
    this.#end = end;
  }

  /** An `int4` or `int8`; beyond 2^53 it is not exact. */
  integer(): number {
    const length = this.#length();
    const offset = this.#offset;
    this.#offset += length;
    if (length === 4) return this.#bytes.readInt32BE(offset);
    if (length !== 8) throw new MalformedAnswer();
    return this.#bytes.readInt32BE(offset) * 4_294_967_296 + this.#bytes.readUInt32BE(offset + 4);
  }

  boolean(): boolean {
    if (this.#length() !== 1) throw new MalformedAnswer();
    return this.#bytes[this.#offset++] === 1;
  }

  /** A window into the answer: copy what is to be kept. */
  bytes(): Uint8Array {
    const length = this.#length();
    const window = new Uint8Array(this.#memory, this.#base + this.#offset, length);
    this.#offset += length;
    return window;
  }

  /** UTF-8, from `skip` bytes on. */
  text(skip: number): string {
    const length = this.#length();
    if (length < skip) throw new MalformedAnswer();
    const text = this.#bytes.toString("utf8", this.#offset + skip, this.#offset + length);
    this.#offset += length;
    return text;
  }

  /** Length of the next field, of which all is there. A null, of length -1, is in none of our columns. */
  #length(): number {
    const from = this.#offset + 4;
    if (from > this.#end) throw new MalformedAnswer();
    const length = this.#bytes.readInt32BE(this.#offset);
    if (length < 0 || from + length > this.#end) throw new MalformedAnswer();
    this.#offset = from;
    return length;
  }
}
