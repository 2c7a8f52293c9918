/** Length of the header of a message, in bytes: a letter, and the length of the message without the letter. */
export const messageHeader = 5;
/** Maximum size of a message, in bytes. No field is larger: https://www.postgresql.org/docs/current/limits.html */
const largestMessage = 1_073_741_824;
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

/** Splits chunks of a socket into messages. Joins the pieces of a message in a buffer of exactly the message's size. */
export class MessageReader {
  readonly #onMessage: OnMessage;
  /** A buffer for the whole message, of which `#filled` bytes have arrived, or the beginning of a header. */
  #partial: Buffer = nothing;
  #filled = 0;

  constructor(onMessage: OnMessage) {
    this.#onMessage = onMessage;
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
      const end = start + messageLength(bytes, start);
      if (end > bytes.length) break;
      if (!this.#onMessage(bytes, start, end)) return bytes.subarray(end);
      start = end;
    }
    if (start < bytes.length) this.#keep(bytes, start);
    return undefined;
  }

  #keep(bytes: Buffer, start: number): void {
    const rest = bytes.length - start;
    this.#partial = Buffer.allocUnsafe(rest < messageHeader ? rest : messageLength(bytes, start));
    this.#filled = bytes.copy(this.#partial, 0, start);
  }
}

function messageLength(bytes: Buffer, start: number): number {
  const length = bytes.readInt32BE(start + 1) + 1;
  if (length < messageHeader || length > largestMessage) throw new MalformedReply();
  return length;
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
