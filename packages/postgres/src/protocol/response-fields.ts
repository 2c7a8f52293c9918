import { MalformedAnswer } from "./malformed-answer.js";
import { messageHeader } from "./message-reader.js";

const errorResponse = "E".charCodeAt(0);
const noticeResponse = "N".charCodeAt(0);

/** Whether the message at `start` is an error or a notice. */
export function hasFields(bytes: Buffer, start: number): boolean {
  return bytes[start] === errorResponse || bytes[start] === noticeResponse;
}

/**
 * The fields of an error or a notice, by their letters, from the message at `start` to `end`. Each is a letter and a
 * text that ends with a zero, and a zero ends them all.
 * https://www.postgresql.org/docs/current/protocol-error-fields.html
 *
 * pg's reader looks for that zero for ever, so what pg is handed goes through here first.
 *
 * @throws {MalformedAnswer}
 */
export function readFields(bytes: Buffer, start: number, end: number): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  let offset = start + messageHeader;
  while (offset < end && bytes[offset] !== 0) {
    const zero = bytes.indexOf(0, offset);
    if (zero < 0 || zero >= end) throw new MalformedAnswer();
    fields.set(String.fromCharCode(bytes[offset] as number), bytes.toString("latin1", offset + 1, zero));
    offset = zero + 1;
  }
  if (offset >= end) throw new MalformedAnswer();
  return fields;
}
