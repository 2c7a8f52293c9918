/** Splits a stream of RESP2 or RESP3 into whole commands or replies. Chunks may end anywhere. */
export class RespFrames {
  #pending: Buffer = Buffer.alloc(0);

  /** Returns the frames that are complete after this chunk. */
  take(chunk: Buffer): Buffer[] {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const frames: Buffer[] = [];
    for (let end = endOfFrame(this.#pending, 0); end !== undefined; end = endOfFrame(this.#pending, 0)) {
      frames.push(this.#pending.subarray(0, end));
      this.#pending = this.#pending.subarray(end);
    }
    return frames;
  }
}

/** Returns the words of a command. */
export function wordsOf(frame: Buffer): string[] {
  const words: string[] = [];
  for (let at = frame.indexOf("\r\n") + 2; at < frame.length; ) {
    const line = frame.indexOf("\r\n", at);
    const length = Number(frame.toString("latin1", at + 1, line));
    words.push(frame.toString("utf8", line + 2, line + 2 + length));
    at = line + 2 + length + 2;
  }
  return words;
}

/** Returns the text of a bulk, verbatim or simple string, or `undefined` for any other reply. */
export function textOfReply(frame: Buffer): string | undefined {
  const line = frame.indexOf("\r\n");
  const type = String.fromCharCode(frame[0] ?? 0);
  if (type === "+") return frame.toString("utf8", 1, line);
  const text = frame.toString("utf8", line + 2, frame.length - 2);
  return type === "$" ? text : type === "=" ? text.slice("txt:".length) : undefined;
}

/** Encodes a command, or a reply that is an array of bulk strings. */
export function bulks(...words: readonly string[]): string {
  return `*${words.length}\r\n${words.map(bulk).join("")}`;
}

export function bulk(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}

/** Returns the offset after the frame that begins at `at`, or `undefined` if the frame is not complete. */
function endOfFrame(bytes: Buffer, at: number): number | undefined {
  const line = bytes.indexOf("\r\n", at);
  if (line < 0) return undefined;
  const type = String.fromCharCode(bytes[at] ?? 0);
  const length = Number(bytes.toString("latin1", at + 1, line));
  if ("$=!".includes(type)) return endOfBulk(bytes, line + 2, length);
  const items = "*~>".includes(type) ? length : "%|".includes(type) ? 2 * length : 0;
  let end: number | undefined = line + 2;
  for (let item = 0; item < items && end !== undefined; item++) end = endOfFrame(bytes, end);
  return end;
}

function endOfBulk(bytes: Buffer, from: number, length: number): number | undefined {
  if (length < 0) return from;
  return from + length + 2 <= bytes.length ? from + length + 2 : undefined;
}
