import { ChunkCopier } from "@manykv/core";
import type { KeyLookup } from "./key-lookup.js";
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
  #copier: ChunkCopier = new ChunkCopier(this.#bytes);
  #offset = 0;
  #end = 0;

  /** Goes to the first field of the message from `start` to `end`. */
  open(bytes: Buffer, start: number, end: number): void {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#copier = new ChunkCopier(bytes);
    }
    this.#offset = start + messageHeader + 2;
    this.#end = end;
  }

  /** An `int4` or `int8`; beyond 2^53 it is not exact. */
  integer(): number {
    const from = this.#next();
    const length = this.#offset - from;
    if (length === 4) return this.#bytes.readInt32BE(from);
    if (length !== 8) throw new MalformedAnswer();
    return this.#bytes.readInt32BE(from) * 4_294_967_296 + this.#bytes.readUInt32BE(from + 4);
  }

  boolean(): boolean {
    const from = this.#next();
    if (this.#offset - from !== 1) throw new MalformedAnswer();
    return this.#bytes[from] === 1;
  }

  /** The caller's to keep and to change. Read each field once: no two of them overlap. */
  bytes(): Uint8Array {
    const from = this.#next();
    return this.#copier.copy(from, this.#offset);
  }

  /** The place of a key among those asked for; -1 where it is none of them. */
  placeIn(keys: KeyLookup): number {
    const from = this.#next();
    return keys.placeOf(this.#bytes, from, this.#offset);
  }

  /** UTF-8, from `skip` bytes on. */
  text(skip: number): string {
    const from = this.#next() + skip;
    if (from > this.#offset) throw new MalformedAnswer();
    return this.#bytes.toString("utf8", from, this.#offset);
  }

  /** Goes behind the next field, of which all is there, and gives where it begins. A null is in none of our columns. */
  #next(): number {
    const from = this.#offset + 4;
    if (from > this.#end) throw new MalformedAnswer();
    const length = this.#bytes.readInt32BE(this.#offset);
    if (length < 0 || from + length > this.#end) throw new MalformedAnswer();
    this.#offset = from + length;
    return from;
  }
}
