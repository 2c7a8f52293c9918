import { Buffer } from "node:buffer";

const quote = 0x22;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** Bytes of a header that are looked at; no more than these are held back. */
const longestHeader = 1024 * 1024;

/**
 * What ends a line of CSV: CRLF as in RFC 4180, or a line feed, also where a file has both. A carriage return alone ends
 * lines only where it ends the header, as in files of old Macs.
 */
export function lineEndsFor(header: Buffer): string[] {
  const end = headerEnd(header);
  const isLone = header[end] === carriageReturn && header[end + 1] !== lineFeed;
  return isLone ? ["\r\n", "\n", "\r"] : ["\r\n", "\n"];
}

/** The bytes, in pieces of which the first has all of the header and what ends it. */
export async function* withWholeHeader(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let start: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of chunks) {
    if (start === undefined) {
      yield chunk;
      continue;
    }
    start = Buffer.concat([start, chunk]);
    if (headerEnd(start) + 1 >= start.length && start.length < longestHeader) continue;
    yield start;
    start = undefined;
  }
  if (start !== undefined && start.length > 0) yield start;
}

/** Where the first line ends that is not within quotes. A quote within quotes is doubled, and so changes nothing. */
function headerEnd(bytes: Buffer): number {
  let quoted = false;
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] === quote) quoted = !quoted;
    else if (!quoted && (bytes[at] === lineFeed || bytes[at] === carriageReturn)) return at;
  }
  return bytes.length;
}
