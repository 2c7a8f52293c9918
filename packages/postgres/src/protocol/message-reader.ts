import { MalformedAnswer } from "./malformed-answer.js";

/** A message is its letter, its length without the letter, and its body. */
export const messageHeader = 5;
/** No field of Postgres is larger: https://www.postgresql.org/docs/current/limits.html */
const largestMessage = 1_073_741_824;
const nothing = Buffer.alloc(0);

/** Takes the message at `start` to `end`, header included. Gives `false` to stop. */
export type OnMessage = (bytes: Buffer, start: number, end: number) => boolean;

/** Cuts what a socket gives into whole messages. One that comes in pieces is put together in memory of its own size. */
export class MessageReader {
  readonly #onMessage: OnMessage;
  /** A message of which only a part has come, or the beginning of a header. */
  #partial: Buffer = nothing;
  #filled = 0;

  constructor(onMessage: OnMessage) {
    this.#onMessage = onMessage;
  }

  /**
   * Gives what lies behind the message that said stop, or `undefined` where none did.
   *
   * @throws {MalformedAnswer}
   */
  read(chunk: Buffer): Buffer | undefined {
    if (this.#filled === 0) return this.#cut(chunk);
    if (this.#filled < messageHeader) {
      const joined = Buffer.concat([this.#partial, chunk]);
      this.#filled = 0;
      return this.#cut(joined);
    }
    const taken = chunk.copy(this.#partial, this.#filled);
    this.#filled += taken;
    if (this.#filled < this.#partial.length) return undefined;
    const whole = this.#partial;
    this.#partial = nothing;
    this.#filled = 0;
    const rest = chunk.subarray(taken);
    return this.#onMessage(whole, 0, whole.length) ? this.#cut(rest) : rest;
  }

  #cut(bytes: Buffer): Buffer | undefined {
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
    const left = bytes.length - start;
    this.#partial = Buffer.allocUnsafe(left < messageHeader ? left : messageLength(bytes, start));
    this.#filled = bytes.copy(this.#partial, 0, start);
  }
}

function messageLength(bytes: Buffer, start: number): number {
  const length = bytes.readInt32BE(start + 1) + 1;
  if (length < messageHeader || length > largestMessage) throw new MalformedAnswer();
  return length;
}
