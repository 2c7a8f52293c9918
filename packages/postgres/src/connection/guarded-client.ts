import type { Duplex } from "node:stream";
import pg from "pg";
import { MalformedAnswer } from "../protocol/malformed-answer.js";
import { MessageReader } from "../protocol/message-reader.js";
import { hasFields, readFields } from "../protocol/response-fields.js";

type Attach = (this: object, stream: Duplex) => void;

/**
 * pg's client for pools of the store's own. What pg's reader throws at a message that it cannot read would be an
 * uncaught exception and end the process; here it ends the connection, also while that is being opened or idle.
 */
export class GuardedClient extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super(config);
    const connection = this.connection as unknown as { attachListeners?: Attach };
    const attach = connection.attachListeners;
    if (attach === undefined) return;
    connection.attachListeners = function (stream) {
      const before = new Set(stream.listeners("data"));
      attach.call(this, stream);
      for (const reader of stream.listeners("data")) if (!before.has(reader)) guard(stream, reader as Reader);
    };
  }

  /** Ends the connection at this side, without waiting for the other. */
  hangUp(): void {
    (this.connection as unknown as { readonly stream?: Duplex }).stream?.destroy();
  }
}

type Reader = (chunk: Buffer) => void;

/** Hands on whole messages only, so that none is read beyond its end. */
function guard(stream: Duplex, reader: Reader): void {
  const messages = new MessageReader((bytes, start, end) => {
    if (hasFields(bytes, start)) readFields(bytes, start, end);
    reader.call(stream, bytes.subarray(start, end));
    return true;
  });
  stream.off("data", reader);
  stream.on("data", (chunk: Buffer) => {
    try {
      messages.read(chunk);
    } catch {
      stream.destroy(new MalformedAnswer());
    }
  });
}
