import { Buffer, isUtf8 } from "node:buffer";

/** A line without its line feed. */
export type Line =
  | { readonly number: number; readonly text: string }
  | { readonly number: number; readonly defect: "not UTF-8" | "too long" };

const lineFeed = 0x0a;

/**
 * Splits bytes into lines of text and yields them in groups. Reports a line that is not UTF-8 instead of repairing it.
 * Discards the bytes of a line longer than `maxBytes`, so that input without line feeds cannot fill the memory.
 */
export async function* splitLines(chunks: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Line[]> {
  let number = 1;
  let head: Buffer[] = [];
  let headBytes = 0;
  for await (const chunk of chunks) {
    const lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, start)) {
      const tail = chunk.subarray(start, end);
      lines.push(lineOf(number++, head, headBytes, tail, maxBytes));
      head = [];
      headBytes = 0;
      start = end + 1;
    }
    if (start < chunk.length) {
      headBytes += chunk.length - start;
      if (headBytes <= maxBytes) head.push(chunk.subarray(start));
      else head = [];
    }
    if (lines.length > 0) yield lines;
  }
  if (headBytes > 0) yield [lineOf(number, head, headBytes, Buffer.alloc(0), maxBytes)];
}

function lineOf(number: number, head: Buffer[], headBytes: number, tail: Buffer, maxBytes: number): Line {
  if (headBytes + tail.length > maxBytes) return { number, defect: "too long" };
  const bytes = headBytes === 0 ? tail : Buffer.concat([...head, tail]);
  return isUtf8(bytes) ? { number, text: bytes.toString() } : { number, defect: "not UTF-8" };
}

/** Returns whether a line is empty or contains only the white space of JSON. */
export function isBlank(line: Line): boolean {
  return "text" in line && /^[ \t\r]*$/.test(line.text);
}

/** Describes a text that is not UTF-8, and says what to do. */
export const notUtf8 =
  "not UTF-8 (convert the input, for example with `iconv -f WINDOWS-1252 -t UTF-8` if it is from Windows)";

/** Describes a line that is longer than a record or a key of the store can be, such as a whole JSON array. */
export function lineTooLong(maxBytes: number): string {
  return `its line is longer than ${maxBytes} bytes: put each record on its own line, which ends in a line feed`;
}
