import type { Buffer } from "node:buffer";
import { joinStart } from "./join-start.js";

const quote = 0x22;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** Number of bytes after which `withWholeHeader` stops waiting for the end of the header. */
const maxHeaderBytes = 1024 * 1024;

/**
 * Returns the line ends of a CSV input that starts with `header`: CRLF (RFC 4180) and LF, which one file may mix. A
 * lone carriage return is a line end only if it ends the header, as in files from classic Mac OS.
 */
export function lineEndsFor(header: Buffer): string[] {
  const end = headerEnd(header);
  const isLone = header[end] === carriageReturn && header[end + 1] !== lineFeed;
  return isLone ? ["\r\n", "\n", "\r"] : ["\r\n", "\n"];
}

/** Joins the first chunks until they contain the whole header and its line end, or at least 1 MiB. */
export function withWholeHeader(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  return joinStart(chunks, (start) => headerEnd(start) + 1 < start.length || start.length >= maxHeaderBytes);
}

/** Returns the bytes of the header, without its line end and without the blank lines before it. */
export function headerOf(start: Buffer): Buffer {
  const first = start.findIndex((byte) => byte !== lineFeed && byte !== carriageReturn);
  const header = start.subarray(Math.max(first, 0));
  return header.subarray(0, headerEnd(header));
}

/** Returns the offset of the first line end outside quotes. A quote inside quotes is doubled, so it has no effect. */
function headerEnd(bytes: Buffer): number {
  let quoted = false;
  for (let offset = 0; offset < bytes.length; offset++) {
    if (bytes[offset] === quote) quoted = !quoted;
    else if (!quoted && (bytes[offset] === lineFeed || bytes[offset] === carriageReturn)) return offset;
  }
  return bytes.length;
}

/** csv-parse may leave fewer than this many bytes of a chunk unparsed until it receives the next chunk. */
const heldBack = 16;

/**
 * Finds carriage returns that are neither quoted nor part of a CRLF. csv-parse would silently make them part of the
 * field. csv-parse can report whether each field was quoted, but is then three times as slow.
 */
export class StrayReturns {
  #offsets: number[] = [];
  #position = 0;
  #quoted = false;
  #endsInReturn = false;

  /** Scans the next bytes of the input. The parser must have read the bytes before them. */
  scan(chunk: Buffer): void {
    // The remaining offsets belong to the current row, for which one offset is enough. Keep the last offsets too,
    // because csv-parse may parse their bytes only later.
    this.#offsets.splice(1, this.#offsets.length - heldBack);
    if (this.#endsInReturn && chunk[0] !== lineFeed) this.#offsets.push(this.#position - 1);
    this.#endsInReturn = false;
    let nextQuote = chunk.indexOf(quote);
    let nextReturn = chunk.indexOf(carriageReturn);
    while (nextReturn !== -1) {
      if (nextQuote !== -1 && nextQuote < nextReturn) {
        this.#quoted = !this.#quoted;
        nextQuote = chunk.indexOf(quote, nextQuote + 1);
        continue;
      }
      if (!this.#quoted) this.#add(chunk, nextReturn);
      nextReturn = chunk.indexOf(carriageReturn, nextReturn + 1);
    }
    for (; nextQuote !== -1; nextQuote = chunk.indexOf(quote, nextQuote + 1)) this.#quoted = !this.#quoted;
    this.#position += chunk.length;
  }

  /** Ends the input, whose last byte may be a stray return. */
  end(): void {
    if (this.#endsInReturn) this.#offsets.push(this.#position - 1);
  }

  /** Returns whether there is a stray return before this offset, and removes all stray returns before it. */
  takeBefore(end: number): boolean {
    const after = this.#offsets.findIndex((offset) => offset >= end);
    return this.#offsets.splice(0, after === -1 ? this.#offsets.length : after).length > 0;
  }

  #add(chunk: Buffer, offset: number): void {
    if (offset === chunk.length - 1) this.#endsInReturn = true;
    else if (chunk[offset + 1] !== lineFeed) this.#offsets.push(this.#position + offset);
  }
}
