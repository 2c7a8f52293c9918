/** A message consists of a letter, its length without the letter, and its body. */
export const messageHeader = 5;
/** No field of Postgres is larger: https://www.postgresql.org/docs/current/limits.html */
const largestMessage = 1_073_741_824;
const nothing = Buffer.alloc(0);

/** Thrown if the server, or a proxy in front of it, violates the protocol. */
export class MalformedReply extends Error {
  override readonly name: string = "MalformedReply";

  constructor() {
    super("the server sent a malformed reply");
  }
}

/** Receives the message from `start` to `end`, header included. Returns `false` to stop. */
export type OnMessage = (bytes: Buffer, start: number, end: number) => boolean;

/** Splits what a socket delivers into whole messages. Pieces of one message are joined in memory of exactly its size. */
export class MessageReader {
  readonly #onMessage: OnMessage;
  /** The part of a message that has arrived, or the beginning of a header. */
  #partial: Buffer = nothing;
  #filled = 0;

  constructor(onMessage: OnMessage) {
    this.#onMessage = onMessage;
  }

  /**
   * Returns what follows the message that stopped it, or `undefined` if none did.
   *
   * @throws {MalformedReply}
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
 * Returns the fields of an error or a notice by their letters, and no fields for other messages. Each field is a letter and
 * a zero-terminated text, and a zero ends the list: https://www.postgresql.org/docs/current/protocol-error-fields.html
 *
 * pg's reader never stops looking for that last zero, so every message for pg goes through here first.
 *
 * @throws {MalformedReply}
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
