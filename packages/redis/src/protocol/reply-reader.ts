import { ChunkCopier } from "@manykv/core/driver";
import { PartialBulk } from "./partial-bulk.js";
import { MalformedReply, OversizedReply, type Reply, ReplyError } from "./reply.js";
import type { ReplyLimits } from "./reply-limits.js";

/** An array that is not complete yet. */
interface OpenArray {
  readonly items: Reply[];
  readonly length: number;
  readonly depth: number;
  /** The array that contains this array. */
  readonly outer: OpenArray | undefined;
}

/** Maximum line length by reply type, in bytes, with type and line end. A number has at most 20 characters. */
const longestLines: Readonly<Record<string, number>> = {
  "+": 65_536,
  "-": 65_536,
  ":": 23,
  $: 23,
  "*": 23,
};
/** Longest bulk string, in bytes: https://redis.io/docs/latest/develop/reference/protocol-spec/#bulk-strings */
const longestBulk = 512 * 1_048_576;
/** The length of the longest header of a bulk string, `$536870912\r\n`, in bytes. */
const longestHeader = 12;
/**
 * Maximum number of items in an array, and maximum depth of arrays. The replies to manykv's commands have far fewer.
 */
const longestArray = 1_048_576;
const deepestArray = 8;

/**
 * A value within one chunk is a view of the chunk if the chunk is at most this many times as large. Node.js chunks have
 * at most 64 KiB, so values of 1 KiB or more are views. Other values are copied, so that they keep no chunk in memory.
 */
const mostRetained = 64;

/** The longest chunk of which a value may be a part, in bytes. Node.js reads at most this many, but Bun reads more. */
const largestChunk = 65_536;

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const dollar = 0x24;
const plus = 0x2b;
const minus = 0x2d;
const zero = 0x30;
const one = 0x31;
const nine = 0x39;
const colon = 0x3a;
const letterK = 0x4b;
const letterO = 0x4f;

export interface ReplyReaderOptions {
  /**
   * Whether each chunk fills an `ArrayBuffer` that nothing else uses, as the chunks of a Node.js socket do. Bulk
   * strings may then be views of the chunk, unless a small string would keep a much larger chunk in memory. Default:
   * false, so all bulk strings are copies.
   */
  readonly ownsChunks?: boolean;
}

/**
 * Parses RESP2 from chunks that may end anywhere: https://redis.io/docs/latest/develop/reference/protocol-spec/
 *
 * The reader is strict, because the reported outcomes of writes depend on the replies. It reads each chunk only once.
 * Between two chunks, it keeps only the part of one reply that has arrived.
 */
export class ReplyReader {
  /** What the reply that arrives now may cost. The receiver counts the bytes itself. */
  limits: ReplyLimits = { maxBytes: Infinity, maxBulk: longestBulk, maxItems: longestArray, maxDepth: deepestArray };
  readonly #accept: (reply: Reply) => void;
  readonly #ownsChunks: boolean;
  #copier: ChunkCopier | undefined;
  /** The innermost array that is not complete. */
  #array: OpenArray | undefined;
  /** The beginning of a line, if the last chunk ended within one. */
  #line = "";
  /** The incomplete bulk string, if the last chunk ended within one. */
  #bulk: PartialBulk | undefined;

  /** @param accept - called with each reply as soon as it is complete */
  constructor(accept: (reply: Reply) => void, { ownsChunks = false }: ReplyReaderOptions = {}) {
    this.#accept = accept;
    this.#ownsChunks = ownsChunks;
  }

  /** Reads a chunk. Throws {@link MalformedReply} if the chunk is not RESP2. Do not use the reader after an error. */
  read(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#bulk !== undefined) at = this.#continueBulk(this.#bulk, chunk, at);
      else if (this.#line !== "") at = this.#readLine(chunk, at);
      else if (chunk[at] === dollar) at = this.#readBulk(chunk, at);
      else at = this.#readShort(chunk, at);
    }
    this.#copier = undefined;
  }

  /** Reads a bulk string that is complete in the chunk: a fast path. {@link #readLine} reads everything else. */
  #readBulk(chunk: Buffer, at: number): number {
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
    this.#enter(this.#keep(chunk, from, to));
    return to + 2;
  }

  #keep(chunk: Buffer, from: number, to: number): Uint8Array<ArrayBuffer> {
    const { buffer } = chunk;
    const ownsIt = this.#ownsChunks && buffer.byteLength === chunk.length && chunk.length <= largestChunk;
    if (ownsIt && (to - from) * mostRetained >= chunk.length)
      return new Uint8Array(buffer as ArrayBuffer, from, to - from);
    this.#copier ??= new ChunkCopier(chunk);
    return this.#copier.copy(from, to) as Uint8Array<ArrayBuffer>;
  }

  /** Reads `+OK` and one-digit numbers: a fast path for writes. {@link #readLine} reads everything else. */
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
    // Reject unknown reply types immediately: their line end may never arrive.
    if (line.length > (longestLines[line[0] as string] ?? 0))
      throw new MalformedReply("a reply has an unknown type or a line that is too long");
    this.#line = found < 0 ? line : "";
    if (found >= 0) this.#enterLine(line);
    return end;
  }

  #enterLine(line: string): void {
    if (!/^[^\r]+\r\n$/.test(line)) throw new MalformedReply("a line does not end with CR LF or contains a CR");
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
    else if (length > this.limits.maxBulk) throw new OversizedReply();
    else this.#bulk = new PartialBulk(length);
  }

  #openArray(length: number | null): void {
    const outer = this.#array;
    const depth = (outer?.depth ?? 0) + 1;
    if (depth > this.limits.maxDepth) throw new MalformedReply("an array does not fit the command");
    if (length !== null && length > this.limits.maxItems) throw new MalformedReply("an array is too long");
    if (length === null) this.#enter(null);
    else if (length === 0) this.#enter([]);
    else this.#array = { items: [], length, depth, outer };
  }

  /** Adds a reply to its array, and a completed array to its outer array. A reply in no array goes to `#accept`. */
  #enter(reply: Reply): void {
    let complete = reply;
    for (let array = this.#array; array !== undefined; array = this.#array) {
      array.items.push(complete);
      if (array.items.length < array.length) return;
      complete = array.items;
      this.#array = array.outer;
    }
    this.#accept(complete);
  }
}

/** Returns whether `\r\n` is at this offset. */
function endsAt(chunk: Buffer, at: number): boolean {
  return chunk[at] === carriageReturn && chunk[at + 1] === lineFeed;
}

/** Decodes UTF-8 text that was read as Latin-1. Lines are read as Latin-1 because chunks may end within a character. */
function decode(text: string): string {
  return /[\u0080-\u00ff]/.test(text) ? Buffer.from(text, "latin1").toString() : text;
}

function integerOf(text: string): number | bigint {
  if (!/^[+-]?\d{1,19}$/.test(text)) throw new MalformedReply("a reply contains an invalid integer");
  const integer = Number(text);
  return Number.isSafeInteger(integer) ? integer : BigInt(text.replace("+", ""));
}

/** Parses a length. Returns `null` for -1, the length of a null string or array. */
function lengthOf(text: string, longest: number): number | null {
  if (text === "-1") return null;
  if (!/^\d{1,10}$/.test(text) || Number(text) > longest) throw new MalformedReply("a length is invalid or too large");
  return Number(text);
}
