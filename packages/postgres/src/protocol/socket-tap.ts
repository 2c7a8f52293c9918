import type { Duplex } from "node:stream";
import { MalformedAnswer } from "./malformed-answer.js";
import { MessageReader } from "./message-reader.js";
import { UnsupportedClient } from "./unsupported-client.js";

type Listener = (chunk: Buffer) => void;

/**
 * Stands between a socket and pg's reader for the time of one answer.
 *
 * pg's reader turns every field into a UTF-8 string, which destroys bytes, so pg programs fetch `bytea` as hexadecimal
 * text: twice the bytes on the wire, and more time in both client and server than all the rest. Here rows are taken
 * off in binary form, and every other message is passed on, so that pg's own account of the connection stays right.
 * A connection serves one statement at a time, and nothing but whole messages lie before its answer.
 *
 * It also guards the process: what pg's reader throws at a malformed message would otherwise be an uncaught exception.
 */
export class SocketTap {
  readonly #stream: Duplex;
  readonly #readers: readonly Listener[];
  readonly #reader: MessageReader;

  /**
   * @param onMessage Takes each message, and passes on what pg needs. Gives `false` behind the last one.
   * @throws {UnsupportedClient}
   */
  constructor(
    stream: Duplex,
    onMessage: (bytes: Buffer, start: number, end: number, tap: SocketTap) => boolean,
  ) {
    this.#stream = stream;
    this.#reader = new MessageReader((bytes, start, end) => onMessage(bytes, start, end, this));
    this.#readers = stream.listeners("data") as Listener[];
    if (this.#readers.length === 0) throw new UnsupportedClient("nobody reads its socket");
    stream.on("data", this.#read);
    for (const reader of this.#readers) stream.off("data", reader);
  }

  /** Hands a part of the stream to pg. */
  pass(bytes: Buffer): void {
    for (const reader of this.#readers) reader.call(this.#stream, bytes);
  }

  /** Gives the socket back to pg. */
  close(): void {
    for (const reader of this.#readers) this.#stream.on("data", reader);
    this.#stream.off("data", this.#read);
  }

  readonly #read = (chunk: Buffer): void => {
    try {
      const rest = this.#reader.read(chunk);
      if (rest !== undefined && rest.length > 0) this.pass(rest);
    } catch {
      this.#stream.destroy(new MalformedAnswer());
    }
  };
}
