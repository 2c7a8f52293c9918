import { ChunkCopier } from "@manykv/core/driver";
import type { KeyLookup } from "./key-lookup.js";
import { MalformedReply, messageHeader } from "./message-reader.js";

/** Receives each row of a reply. The row is the same object each time: read it immediately. */
export type OnRow = (row: DataRow) => void;

const nothing = Buffer.alloc(0);

/**
 * Reads the binary fields of one row, one after the other. It checks every length, so that a malformed row is an error and
 * never a wrong value: https://www.postgresql.org/docs/current/protocol-message-formats.html (DataRow)
 */
export class DataRow {
  #bytes: Buffer = nothing;
  #copier: ChunkCopier | undefined;
  #offset = 0;
  #end = 0;

  /** Goes to the first field of the message from `start` to `end`. */
  open(bytes: Buffer, start: number, end: number): void {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#copier = undefined;
    }
    this.#offset = start + messageHeader + 2;
    this.#end = end;
  }

  /** Reads an `int4`. */
  integer(): number {
    const from = this.#next();
    if (this.#offset - from !== 4) throw new MalformedReply();
    return this.#bytes.readInt32BE(from);
  }

  /** Returns a copy that the caller may keep and modify. Read each field once: copies must not overlap. */
  bytes(): Uint8Array<ArrayBuffer> {
    const from = this.#next();
    this.#copier ??= new ChunkCopier(this.#bytes);
    return this.#copier.copy(from, this.#offset);
  }

  /** Returns the index of a key in the request, or -1 if the request did not contain it. */
  indexIn(keys: KeyLookup): number {
    const from = this.#next();
    return keys.indexOf(this.#bytes, from, this.#offset);
  }

  /** Returns UTF-8 text without its first `skip` bytes. */
  text(skip: number): string {
    const from = this.#next() + skip;
    if (from > this.#offset) throw new MalformedReply();
    return this.#bytes.toString("utf8", from, this.#offset);
  }

  /** Goes past the next field and returns where its value begins. None of our columns contains nulls. */
  #next(): number {
    const from = this.#offset + 4;
    if (from > this.#end) throw new MalformedReply();
    const length = this.#bytes.readInt32BE(this.#offset);
    if (length < 0 || from + length > this.#end) throw new MalformedReply();
    this.#offset = from + length;
    return from;
  }
}
