/** Splits a stream of RESP2 or RESP3 into whole commands or replies. Chunks may end anywhere. */
export class RespFrames {
  #chunks: Buffer[] = [];
  #length = 0;
  /** Number of bytes without which the next frame is not complete. Joining chunks earlier would take quadratic time. */
  #needed = 0;

  /** Returns the frames that are complete after this chunk. */
  take(chunk: Buffer): Buffer[] {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    const frames: Buffer[] = [];
    if (this.#length < this.#needed) return frames;
    const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    let start = 0;
    let end = endOfFrame(bytes, start);
    for (; end <= bytes.length; end = endOfFrame(bytes, start)) {
      frames.push(bytes.subarray(start, end));
      start = end;
    }
    this.#chunks = [bytes.subarray(start)];
    this.#length = bytes.length - start;
    this.#needed = end - start;
    return frames;
  }
}

/** Words are cut off after this many bytes, so that a proxy does not decode and keep large values. */
const longestWord = 2_048;

/** Returns the words of a command. Cuts off long words. */
export function wordsOf(frame: Buffer): string[] {
  const words: string[] = [];
  for (let at = frame.indexOf("\r\n") + 2; at < frame.length; ) {
    const line = frame.indexOf("\r\n", at);
    const length = Number(frame.toString("latin1", at + 1, line));
    words.push(frame.toString("utf8", line + 2, line + 2 + Math.min(length, longestWord)));
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

/**
 * Returns the offset after the frame that begins at `at`. If it is beyond `bytes`, at least so many bytes are needed.
 */
function endOfFrame(bytes: Buffer, at: number): number {
  const line = bytes.indexOf("\r\n", at);
  if (line < 0) return bytes.length + 1;
  const type = String.fromCharCode(bytes[at] ?? 0);
  const length = Number(bytes.toString("latin1", at + 1, line));
  if ("$=!".includes(type)) return length < 0 ? line + 2 : line + 2 + length + 2;
  const items = "*~>".includes(type) ? length : "%|".includes(type) ? 2 * length : 0;
  let end = line + 2;
  for (let item = 0; item < items && end <= bytes.length; item++) end = endOfFrame(bytes, end);
  return end;
}
