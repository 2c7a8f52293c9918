import { elementLengthBytes, KeyLookup } from "./key-lookup.js";
import { bindEndBytes, type Statement, trailer } from "./statement.js";

/** Length of the header before the elements of an array, in bytes. */
const arrayHeaderBytes = 20;
const parameterCountBytes = 2;
const parameterLengthBytes = 4;
const byteaType = 17;
const integerType = 20;
const integerBytes = 8;
/** The length field of an element that is null. */
const nullLength = -1;
/** A UTF-16 code unit takes at most three bytes in UTF-8. */
const bytesPerUnit = 3;
/** Longest element, in bytes, whose length field consists of ASCII characters. */
const longestAsText = 127;

/**
 * A statement with the parameters of one execution, in binary form. All messages of the request are in one buffer, so
 * that one write sends them. The buffer has room before the parameters for Close, Parse and the beginning of Bind.
 */
export class BoundStatement {
  readonly statement: Statement;
  readonly #room: number;
  #bytes: Buffer;
  #offset: number;
  #count = 0;
  /** Offset of the value of the parameter that contains the keys. */
  #keysStart = 0;

  constructor(statement: Statement) {
    this.statement = statement;
    this.#room = statement.parse.length + statement.bind.length;
    this.#offset = this.#room + parameterCountBytes;
    this.#bytes = Buffer.allocUnsafe(this.#offset + 512);
  }

  /** Adds a string in UTF-8, for a parameter of type `text` or `bytea`. */
  text(value: string): void {
    const start = this.#begin(value.length * bytesPerUnit);
    this.#end(start, start + this.#bytes.write(value, start));
  }

  /** Adds a `bytea`, or a value of any type in the binary form that the server sent. */
  raw(value: Uint8Array): void {
    const start = this.#begin(value.byteLength);
    this.#bytes.set(value, start);
    this.#end(start, start + value.byteLength);
  }

  /** Adds an `int8`. */
  integer(value: bigint): void {
    const start = this.#begin(integerBytes);
    this.#end(start, this.#bytes.writeBigInt64BE(value, start));
  }

  /**
   * Adds a `bytea[]` of keys, with the bucket's prefix before each key. The prefix is ASCII.
   *
   * An array in binary form consists of the number of dimensions, whether it contains nulls, the element type, the
   * length and the lower bound of its only dimension, and the elements, each after its own length.
   * https://github.com/postgres/postgres/blob/REL_18_0/src/backend/utils/adt/arrayfuncs.c (`array_recv`)
   */
  keyArray(prefix: string, keys: readonly string[]): void {
    let most = arrayHeaderBytes + keys.length * (elementLengthBytes + prefix.length);
    for (const key of keys) most += key.length * bytesPerUnit;
    const start = this.#begin(most);
    this.#keysStart = start;
    const offset = this.#arrayHeader(start, keys.length, byteaType);
    const end = this.#keysTogether(offset, prefix, keys) ?? this.#keysOneByOne(offset, prefix, keys);
    this.#end(start, end);
  }

  /** Returns a lookup of the keys of `keyArray`, which must be `count` different keys. */
  lookup(count: number): KeyLookup {
    return new KeyLookup(this.#bytes, this.#keysStart + arrayHeaderBytes, count);
  }

  /** Adds a `bytea[]` of values. */
  valueArray(values: readonly Uint8Array[]): void {
    let size = arrayHeaderBytes + values.length * elementLengthBytes;
    for (const value of values) size += value.byteLength;
    const start = this.#begin(size);
    const bytes = this.#bytes;
    let offset = this.#arrayHeader(start, values.length, byteaType);
    for (const value of values) {
      offset = bytes.writeInt32BE(value.byteLength, offset);
      bytes.set(value, offset);
      offset += value.byteLength;
    }
    this.#end(start, offset);
  }

  /** Adds an `int8[]`. `undefined` becomes null. The values are safe integers. */
  integerArray(values: readonly (number | undefined)[]): void {
    const start = this.#begin(arrayHeaderBytes + values.length * (elementLengthBytes + integerBytes));
    let offset = this.#arrayHeader(start, values.length, integerType);
    for (const value of values) {
      offset = this.#bytes.writeInt32BE(value === undefined ? nullLength : integerBytes, offset);
      if (value !== undefined) offset = this.#bytes.writeBigInt64BE(BigInt(value), offset);
    }
    this.#end(start, offset);
  }

  /**
   * Returns all messages of the request. The last one is Sync.
   *
   * @param statement - this statement or its unnamed form
   * @param parse - whether the server must first parse the statement
   */
  encode(statement: Statement, parse: boolean): Buffer {
    const bind = this.#room - statement.bind.length;
    const start = parse ? bind - statement.parse.length : bind;
    if (parse) this.#bytes.set(statement.parse, start);
    this.#bytes.set(statement.bind, bind);
    this.#bytes.writeInt16BE(this.#count, this.#room);
    this.#reserve(trailer.length);
    this.#bytes.set(trailer, this.#offset);
    this.#bytes.writeInt32BE(this.#offset + bindEndBytes - bind - 1, bind + 1);
    return this.#bytes.subarray(start, this.#offset + trailer.length);
  }

  /** Reserves room for a parameter of at most `most` bytes. Returns the offset of its value. */
  #begin(most: number): number {
    this.#reserve(parameterLengthBytes + most + trailer.length);
    this.#count++;
    return this.#offset + parameterLengthBytes;
  }

  #end(start: number, end: number): void {
    this.#bytes.writeInt32BE(end - start, this.#offset);
    this.#offset = end;
  }

  #reserve(bytes: number): void {
    if (this.#offset + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(this.#offset + bytes);
    this.#bytes.copy(larger, 0, 0, this.#offset);
    this.#bytes = larger;
  }

  #arrayHeader(start: number, length: number, type: number): number {
    let offset = start;
    // The server ignores the second field, which says whether the array contains nulls.
    for (const field of [1, 0, type, length, 1]) offset = this.#bytes.writeInt32BE(field, offset);
    return offset;
  }

  /**
   * Writes short ASCII keys and their lengths as one string, which takes half the time of writing each key separately.
   * Returns the end offset, or `undefined` if a key is too long, or is not ASCII and so takes more bytes.
   */
  #keysTogether(start: number, prefix: string, keys: readonly string[]): number | undefined {
    let text = "";
    let size = 0;
    let headFor = -1;
    let head = "";
    for (const key of keys) {
      // Consecutive keys often have the same length, so create the head only when the length changes.
      if (key.length !== headFor) {
        const length = prefix.length + key.length;
        if (length > longestAsText) return undefined;
        headFor = key.length;
        head = `\0\0\0${String.fromCharCode(length)}${prefix}`;
      }
      text += head + key;
      size += head.length + key.length;
    }
    return this.#bytes.write(text, start) === size ? start + size : undefined;
  }

  #keysOneByOne(start: number, prefix: string, keys: readonly string[]): number {
    let offset = start;
    for (const key of keys) {
      const written = this.#bytes.write(prefix + key, offset + elementLengthBytes);
      offset = this.#bytes.writeInt32BE(written, offset) + written;
    }
    return offset;
  }
}
