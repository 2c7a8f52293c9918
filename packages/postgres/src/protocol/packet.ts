import type { Parameter } from "./parameter.js";

const binary = 1;
/** Room for the fixed parts of the messages of one packet. */
const fixedBytes = 64;

/**
 * One statement and its parameters as one run of bytes, so that a request is one write to the socket: the messages
 * Parse (unless the server knows the statement by its name), Bind, Execute and Sync. Parameters and results are binary.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
export function packet(
  statement: { readonly name: string; readonly text: string },
  parse: boolean,
  parameters: readonly Parameter[],
): Buffer {
  const { name, text } = statement;
  let capacity = fixedBytes + 2 * name.length + (parse ? Buffer.byteLength(text) : 0);
  for (const parameter of parameters) capacity += 4 + parameter.capacity;
  const bytes = Buffer.allocUnsafe(capacity);
  let offset = 0;
  if (parse) {
    offset = message(bytes, offset, "P", (body) => {
      const types = zeroTerminated(bytes, zeroTerminated(bytes, body, name), text);
      return bytes.writeInt16BE(0, types);
    });
  }
  offset = message(bytes, offset, "B", (body) => bind(bytes, body, name, parameters));
  offset = message(bytes, offset, "E", (body) => bytes.writeInt32BE(0, zeroTerminated(bytes, body, "")));
  offset = message(bytes, offset, "S", (body) => body);
  return bytes.subarray(0, offset);
}

function bind(bytes: Buffer, body: number, name: string, parameters: readonly Parameter[]): number {
  let offset = zeroTerminated(bytes, zeroTerminated(bytes, body, ""), name);
  offset = oneFormatForAll(bytes, offset);
  offset = bytes.writeInt16BE(parameters.length, offset);
  for (const parameter of parameters) {
    const end = parameter.write(bytes, offset + 4);
    bytes.writeInt32BE(end - offset - 4, offset);
    offset = end;
  }
  return oneFormatForAll(bytes, offset);
}

function oneFormatForAll(bytes: Buffer, offset: number): number {
  return bytes.writeInt16BE(binary, bytes.writeInt16BE(1, offset));
}

function zeroTerminated(bytes: Buffer, offset: number, text: string): number {
  return bytes.writeUInt8(0, offset + bytes.write(text, offset));
}

/** A message is its letter, its length without the letter, and its body. */
function message(bytes: Buffer, start: number, letter: string, body: (offset: number) => number): number {
  bytes.writeUInt8(letter.charCodeAt(0), start);
  const end = body(start + 5);
  bytes.writeInt32BE(end - start - 1, start + 1);
  return end;
}
