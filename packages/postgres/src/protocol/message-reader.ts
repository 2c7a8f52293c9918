/** Length of the header of a message, in bytes: a letter, and the length of the message without the letter. */
export const messageHeader = 5;
const nothing = Buffer.alloc(0);

/** Thrown if the server, or a proxy in front of it, violates the protocol. */
export class MalformedReply extends Error {
  override readonly name: string = "MalformedReply";

  constructor() {
    super("the server sent a malformed reply");
  }
}

/** Receives the message from `start` to `end`, including its header. Returns `false` to stop the reader. */
export type OnMessage = (bytes: Buffer, start: number, end: number) => boolean;

/** Receives the letter and the whole length of each message before its body is stored. Throws to refuse the message. */
export type Admit = (letter: number, length: number) => void;

/** Splits chunks of a socket into messages. Joins the pieces of a message in a buffer of exactly the message's size. */
export class MessageReader {
  readonly #onMessage: OnMessage;
  readonly #admit: Admit;
  /** A buffer for the whole message, of which `#filled` bytes have arrived, or the beginning of a header. */
  #partial: Buffer = nothing;
  #filled = 0;

  constructor(onMessage: OnMessage, admit: Admit) {
    this.#onMessage = onMessage;
    this.#admit = admit;
  }

  /**
   * Reads a chunk. If `onMessage` stops the reader, returns the bytes after the message, and otherwise `undefined`.
   *
   * @throws {MalformedReply} if a message has an impossible length.
   */
  read(chunk: Buffer): Buffer | undefined {
    if (this.#filled === 0) return this.#split(chunk);
    if (this.#filled < messageHeader) {
      const joined = Buffer.concat([this.#partial, chunk]);
      this.#filled = 0;
      return this.#split(joined);
    }
    const taken = chunk.copy(this.#partial, this.#filled);
    this.#filled += taken;
    if (this.#filled < this.#partial.length) return undefined;
    const whole = this.#partial;
    this.#partial = nothing;
    this.#filled = 0;
    const rest = chunk.subarray(taken);
    return this.#onMessage(whole, 0, whole.length) ? this.#split(rest) : rest;
  }

  #split(bytes: Buffer): Buffer | undefined {
    let start = 0;
    while (bytes.length - start >= messageHeader) {
      const length = bytes.readInt32BE(start + 1) + 1;
      if (length < messageHeader) throw new MalformedReply();
      this.#admit(bytes[start] as number, length);
      const end = start + length;
      if (end > bytes.length) {
        this.#keep(bytes, start, length);
        return undefined;
      }
      if (!this.#onMessage(bytes, start, end)) return bytes.subarray(end);
      start = end;
    }
    if (start < bytes.length) this.#keep(bytes, start, bytes.length - start);
    return undefined;
  }

  /** Keeps the bytes from `start`, with room for `length` bytes. */
  #keep(bytes: Buffer, start: number, length: number): void {
    this.#partial = Buffer.allocUnsafe(length);
    this.#filled = bytes.copy(this.#partial, 0, start);
  }
}

const errorResponse = "E".charCodeAt(0);
const noticeResponse = "N".charCodeAt(0);

/**
 * Returns the fields of an error or notice by letter, and no fields for other messages. A field is a letter and text,
 * ended by a zero byte. An extra zero ends the list: https://www.postgresql.org/docs/current/protocol-error-fields.html
 *
 * If that last byte is missing, pg's reader never stops. So manykv checks every message here before pg receives it.
 *
 * @throws {MalformedReply} if a zero byte is missing.
 */
export function readFields(bytes: Buffer, start: number, end: number): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  if (bytes[start] !== errorResponse && bytes[start] !== noticeResponse) return fields;
  let offset = start + messageHeader;
  while (offset < end && bytes[offset] !== 0) {
    const zero = bytes.indexOf(0, offset);
    if (zero < 0 || zero >= end) throw new MalformedReply();
    fields.set(String.fromCharCode(bytes[offset] as number), bytes.toString("latin1", offset + 1, zero));
    offset = zero + 1;
  }
  if (offset >= end) throw new MalformedReply();
  return fields;
}

/**
 * Authentication, BackendKeyData, NegotiateProtocolVersion, ReadyForQuery, messages that may arrive at any time, and the
 * replies to pg's own queries, with which manykv checks a new connection.
 */
const forPg: ReadonlySet<string> = new Set("RKvZENSATDC");
/** The kind of an authentication message whose body is a list of strings: the names of SASL mechanisms. */
const saslMechanisms = 10;
/** Length of the description of a field after its name, in bytes. */
const fieldBytes = 18;

/**
 * Checks a message that pg will read: during the handshake, or on an idle connection. Some versions of pg read forever
 * beyond the end of a message whose last string has no end.
 *
 * @throws {MalformedReply} if the message cannot occur there, or if the end of a string is missing.
 */
export function checkForPg(bytes: Buffer, start: number, end: number): void {
  const letter = String.fromCharCode(bytes[start] as number);
  if (!forPg.has(letter)) throw new MalformedReply();
  const body = start + messageHeader;
  if (letter === "C") skipStrings(bytes, body, end, 1);
  else if (letter === "T") {
    let offset = body + 2;
    for (let left = bytes.readInt16BE(body); left > 0; left--) offset = skipStrings(bytes, offset, end, 1) + fieldBytes;
  } else if (letter === "S") skipStrings(bytes, body, end, 2);
  else if (letter === "A") skipStrings(bytes, body + 4, end, 2);
  else if (letter === "R" && end - body > 4 && bytes.readInt32BE(body) === saslMechanisms) {
    let offset = body + 4;
    while (offset >= end || bytes[offset] !== 0) offset = skipStrings(bytes, offset, end, 1);
  } else readFields(bytes, start, end);
}

/** Returns the offset after `count` strings, each ended by a zero byte. */
function skipStrings(bytes: Buffer, start: number, end: number, count: number): number {
  let offset = start;
  for (let index = 0; index < count; index++) {
    const zero = bytes.indexOf(0, offset);
    if (zero < 0 || zero >= end) throw new MalformedReply();
    offset = zero + 1;
  }
  return offset;
}
