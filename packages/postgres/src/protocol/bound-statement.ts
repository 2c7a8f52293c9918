import { elementLengthBytes, KeyLookup } from "./key-lookup.js";
import { bindEndBytes, type Statement, trailer } from "./statement.js";

/** Bytes before the elements of an array. */
const arrayHeaderBytes = 20;
const parameterCountBytes = 2;
const parameterLengthBytes = 4;
const byteaType = 17;
/** A UTF-16 unit becomes at most three bytes of UTF-8. */
const bytesPerUnit = 3;
/** Up to this length, an element's length consists of ASCII characters. */
const longestAsText = 127;

/**
 * A statement with the parameters of one execution, in binary form. It becomes one run of bytes, which takes one write to the
 * socket: there is room before the parameters for the messages that announce the statement.
 */
export class BoundStatement {
  readonly statement: Statement;
  readonly #room: number;
  #bytes: Buffer;
  #offset: number;
  #count = 0;
  /** Where the value of the last parameter begins. */
  #lastStart = 0;

  constructor(statement: Statement) {
    this.statement = statement;
    this.#room = statement.parse.length + statement.bind.length;
    this.#offset = this.#room + parameterCountBytes;
    this.#bytes = Buffer.allocUnsafe(this.#offset + 512);
  }

  /** A `text`, or the UTF-8 bytes of a string as `bytea`. */
  text(value: string): void {
    const start = this.#begin(value.length * bytesPerUnit);
    this.#end(start, start + this.#bytes.write(value, start));
  }

  /** A `bytea`, or a value of any type in the binary form in which the server sent it. */
  raw(value: Uint8Array): void {
    const start = this.#begin(value.byteLength);
    this.#bytes.set(value, start);
    this.#end(start, start + value.byteLength);
  }

  /**
   * A `bytea[]` of keys, each after the prefix of its bucket, which is ASCII.
   *
   * An array in binary form: number of dimensions, whether it contains nulls, the element type, then the length and the
   * lower bound of its one dimension, then each element after its length.
   * https://github.com/postgres/postgres/blob/REL_18_0/src/backend/utils/adt/arrayfuncs.c (`array_recv`)
   */
  keyArray(prefix: string, keys: readonly string[]): void {
    let most = arrayHeaderBytes + keys.length * (elementLengthBytes + prefix.length);
    for (const key of keys) most += key.length * bytesPerUnit;
    const start = this.#begin(most);
    const offset = this.#arrayHeader(start, keys.length);
    const end = this.#keysTogether(offset, prefix, keys) ?? this.#keysOneByOne(offset, prefix, keys);
    this.#end(start, end);
  }

  /** Returns a lookup for the last parameter, an array of `count` different keys. */
  lookup(count: number): KeyLookup {
    return new KeyLookup(this.#bytes, this.#lastStart + arrayHeaderBytes, count);
  }

  /** A `bytea[]`. */
  valueArray(values: readonly Uint8Array[]): void {
    let size = arrayHeaderBytes + values.length * elementLengthBytes;
    for (const value of values) size += value.byteLength;
    const start = this.#begin(size);
    const bytes = this.#bytes;
    let offset = this.#arrayHeader(start, values.length);
    for (const value of values) {
      offset = bytes.writeInt32BE(value.byteLength, offset);
      bytes.set(value, offset);
      offset += value.byteLength;
    }
    this.#end(start, offset);
  }

  /**
   * Returns all messages, from Parse or Bind to Sync.
   *
   * @param statement - this statement or its unnamed form
   * @param parse - whether the server must parse it first
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

  /** Begins a parameter of at most so many bytes. Returns where its value begins. */
  #begin(most: number): number {
    this.#reserve(parameterLengthBytes + most + trailer.length);
    this.#count++;
    this.#lastStart = this.#offset + parameterLengthBytes;
    return this.#lastStart;
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

  #arrayHeader(start: number, length: number): number {
    let offset = start;
    for (const field of [1, 0, byteaType, length, 1]) offset = this.#bytes.writeInt32BE(field, offset);
    return offset;
  }

  /**
   * Writes short ASCII keys as one string with their lengths in between, which takes half the time of writing them one by
   * one. Returns `undefined` if a key is long or has other characters, as the number of bytes shows.
   */
  #keysTogether(start: number, prefix: string, keys: readonly string[]): number | undefined {
    let text = "";
    let size = 0;
    let headFor = -1;
    let head = "";
    for (const key of keys) {
      // Neighbors mostly have the same length, so they share a head.
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
