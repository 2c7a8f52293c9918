import { ChunkCopier } from "@manykv/core/driver";
import type { KeyLookup } from "./key-lookup.js";
import { MalformedReply, messageHeader } from "./message-reader.js";

/** Receives each row of a reply. The row is valid only during the call, because the next row reuses the object. */
export type OnRow = (row: DataRow) => void;

const nothing = Buffer.alloc(0);
/** Rows above this size, in bytes, arrive in several chunks, so `MessageReader` has joined them in a buffer. */
const largestChunk = 65_536;

/**
 * Reads the binary fields of a row in order. Checks every length, so that a malformed row causes no wrong value:
 * https://www.postgresql.org/docs/current/protocol-message-formats.html (DataRow)
 */
export class DataRow {
  #bytes: Buffer = nothing;
  #copier: ChunkCopier | undefined;
  #offset = 0;
  #end = 0;
  /** Whether nothing else uses the buffer, so that a value may be a part of it instead of a copy. */
  #isOwner = false;

  /** Moves to the first field of the message from `start` to `end`. */
  open(bytes: Buffer, start: number, end: number): void {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#copier = undefined;
      this.#isOwner = end - start > largestChunk && bytes.buffer.byteLength === end - start;
    }
    this.#offset = start + messageHeader + 2;
    this.#end = end;
  }

  /** Returns the next field, an `int4`. */
  integer(): number {
    const from = this.#next();
    if (this.#offset - from !== 4) throw new MalformedReply();
    return this.#bytes.readInt32BE(from);
  }

  /** Returns the next field, an `int8` or a `timestamptz`: microseconds since 2000. */
  bigInteger(): bigint {
    const from = this.#next();
    if (this.#offset - from !== 8) throw new MalformedReply();
    return this.#bytes.readBigInt64BE(from);
  }

  /** Returns the next field. The caller may keep and modify it. */
  bytes(): Uint8Array<ArrayBuffer> {
    const from = this.#next();
    if (this.#isOwner) return new Uint8Array(this.#bytes.buffer as ArrayBuffer, from, this.#offset - from);
    this.#copier ??= new ChunkCopier(this.#bytes);
    return this.#copier.copy(from, this.#offset);
  }

  /** Reads a key from the next field. Returns its index in the request, or -1 if the request does not contain it. */
  indexIn(keys: KeyLookup): number {
    const from = this.#next();
    return keys.indexOf(this.#bytes, from, this.#offset);
  }

  /** Returns the next field as UTF-8 text. */
  text(): string {
    return this.view(0).toString();
  }

  /** Returns the next field without its first `skip` bytes. The result is valid only as long as the row. */
  view(skip: number): Buffer {
    const from = this.#next() + skip;
    if (from > this.#offset) throw new MalformedReply();
    return this.#bytes.subarray(from, this.#offset);
  }

  /** Moves past the next field and returns the offset of its value. Throws for a null, which no statement returns. */
  #next(): number {
    const from = this.#offset + 4;
    if (from > this.#end) throw new MalformedReply();
    const length = this.#bytes.readInt32BE(this.#offset);
    if (length < 0 || from + length > this.#end) throw new MalformedReply();
    this.#offset = from + length;
    return from;
  }
}
