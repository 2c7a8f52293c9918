import { ChunkCopier } from "@manykv/core";
import {
  carriageReturn,
  colon,
  dollar,
  letterK,
  letterO,
  lineFeed,
  minus,
  nine,
  one,
  plus,
  zero,
} from "./ascii.js";
import type { Reply } from "./exchange.js";
import { MalformedReply } from "./malformed-reply.js";
import { PartialBulk } from "./partial-bulk.js";
import { ReplyError } from "./reply-error.js";

/** An array of which some elements are still to come. */
interface OpenArray {
  readonly items: Reply[];
  readonly length: number;
  readonly depth: number;
  /** The array that it is an element of. */
  readonly outer: OpenArray | undefined;
}

/** Of a line, in bytes, by the reply's type: a text, or a number of at most 20 characters. */
const longestLines: Readonly<Record<string, number>> = {
  "+": 65_536,
  "-": 65_536,
  ":": 23,
  $: 23,
  "*": 23,
};
/** Of a bulk string, in bytes: https://redis.io/docs/latest/develop/reference/protocol-spec/#bulk-strings */
const longestBulk = 512 * 1_048_576;
/** `$536870912\r\n`: a header of a bulk string is no longer than this. */
const longestHeader = 12;
/** Far more than anything asked for gives. */
const longestArray = 1_048_576;
const deepestArray = 8;

/**
 * Reads RESP2, in chunks that are cut anywhere: https://redis.io/docs/latest/develop/reference/protocol-spec/
 *
 * Strict, as what it reads tells what became of writes. Each byte is looked at once, and what is kept between two chunks
 * is what has come of one reply.
 */
export class ReplyReader {
  readonly #accept: (reply: Reply) => void;
  /** The innermost array that is open. */
  #array: OpenArray | undefined;
  /** The beginning of a line that the last chunk ended in. */
  #line = "";
  /** The bulk string that the last chunk ended in. */
  #bulk: PartialBulk | undefined;

  /** @param accept - gets each reply as soon as it is whole */
  constructor(accept: (reply: Reply) => void) {
    this.#accept = accept;
  }

  /** @throws {MalformedReply} then the reader is of no more use */
  read(chunk: Buffer): void {
    const copier = new ChunkCopier(chunk);
    let at = 0;
    while (at < chunk.length) {
      if (this.#bulk !== undefined) at = this.#continueBulk(this.#bulk, chunk, at);
      else if (this.#line !== "") at = this.#readLine(chunk, at);
      else if (chunk[at] === dollar) at = this.#readBulk(copier, chunk, at);
      else at = this.#readShort(chunk, at);
    }
  }

  /** What a batch of reads is answered with, in one go where it is whole; anything else about it goes line by line. */
  #readBulk(copier: ChunkCopier, chunk: Buffer, at: number): number {
    if (at + longestHeader > chunk.length) return this.#readLine(chunk, at);
    let next = at + 1;
    let byte = chunk[next] as number;
    if (byte === minus) {
      if (chunk[next + 1] !== one || !endsAt(chunk, next + 2)) return this.#readLine(chunk, at);
      this.#enter(null);
      return next + 4;
    }
    let length = 0;
    while (byte >= zero && byte <= nine && next < at + longestHeader - 2) {
      length = length * 10 + byte - zero;
      byte = chunk[++next] as number;
    }
    const from = next + 2;
    const to = from + length;
    const isWhole = next > at + 1 && endsAt(chunk, next) && to + 2 <= chunk.length && endsAt(chunk, to);
    if (!isWhole) return this.#readLine(chunk, at);
    this.#enter(copier.copy(from, to));
    return to + 2;
  }

  /** What each write of a batch is answered with: `+OK`, and numbers of one digit. Anything else goes line by line. */
  #readShort(chunk: Buffer, at: number): number {
    const first = chunk[at + 1] as number;
    if (chunk[at] === plus && first === letterO && chunk[at + 2] === letterK && endsAt(chunk, at + 3)) {
      this.#enter("OK");
      return at + 5;
    }
    if (chunk[at] === colon && first >= zero && first <= nine && endsAt(chunk, at + 2)) {
      this.#enter(first - zero);
      return at + 4;
    }
    return this.#readLine(chunk, at);
  }

  #continueBulk(bulk: PartialBulk, chunk: Buffer, at: number): number {
    const end = bulk.take(chunk, at);
    const { value } = bulk;
    if (value !== undefined) {
      this.#bulk = undefined;
      this.#enter(value);
    }
    return end;
  }

  #readLine(chunk: Buffer, at: number): number {
    const found = chunk.indexOf(lineFeed, at);
    const end = found < 0 ? chunk.length : found + 1;
    const line = this.#line + chunk.toString("latin1", at, end);
    // Said at once of a type that there is not: the end of such a line may never come.
    if (line.length > (longestLines[line[0] as string] ?? 0))
      throw new MalformedReply("no reply, or too long");
    this.#line = found < 0 ? line : "";
    if (found >= 0) this.#enterLine(line);
    return end;
  }

  #enterLine(line: string): void {
    if (!/^[^\r]+\r\n$/.test(line)) throw new MalformedReply("a line does not end where it should");
    const text = line.slice(1, -2);
    switch (line[0]) {
      case "+":
        this.#enter(decode(text));
        break;
      case "-":
        this.#enter(new ReplyError(decode(text)));
        break;
      case ":":
        this.#enter(integerOf(text));
        break;
      case "$":
        this.#openBulk(lengthOf(text, longestBulk));
        break;
      default:
        this.#openArray(lengthOf(text, longestArray));
    }
  }

  #openBulk(length: number | null): void {
    if (length === null) this.#enter(null);
    else this.#bulk = new PartialBulk(length);
  }

  #openArray(length: number | null): void {
    const outer = this.#array;
    const depth = (outer?.depth ?? 0) + 1;
    if (depth > deepestArray) throw new MalformedReply("arrays are nested too deeply");
    if (length === null) this.#enter(null);
    else if (length === 0) this.#enter([]);
    else this.#array = { items: [], length, depth, outer };
  }

  /** Puts what is whole where it belongs, and so on outwards with each array that becomes whole by it. */
  #enter(reply: Reply): void {
    let whole = reply;
    for (let array = this.#array; array !== undefined; array = this.#array) {
      array.items.push(whole);
      if (array.items.length < array.length) return;
      whole = array.items;
      this.#array = array.outer;
    }
    this.#accept(whole);
  }
}

/** Whether a line ends there. */
function endsAt(chunk: Buffer, at: number): boolean {
  return chunk[at] === carriageReturn && chunk[at + 1] === lineFeed;
}

/** Lines are read as Latin-1, which cuts no character wherever a chunk ends. */
function decode(text: string): string {
  return /[\u0080-\u00ff]/.test(text) ? Buffer.from(text, "latin1").toString() : text;
}

function integerOf(text: string): number {
  if (!/^[+-]?\d{1,19}$/.test(text)) throw new MalformedReply("a bad integer");
  return Number(text);
}

/** `null` stands for no string or no array at all. */
function lengthOf(text: string, longest: number): number | null {
  if (text === "-1") return null;
  if (!/^\d{1,10}$/.test(text) || Number(text) > longest) throw new MalformedReply("a bad length");
  return Number(text);
}
