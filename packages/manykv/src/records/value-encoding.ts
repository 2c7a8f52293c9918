import { Buffer, isUtf8 } from "node:buffer";

/** How a value's bytes stand in text. */
export type ValueEncoding = "utf8" | "base64" | "hex";

export const valueEncodings: readonly ValueEncoding[] = ["utf8", "base64", "hex"];

/**
 * The bytes that a text stands for, or `undefined` where it stands for none. Strict, as `Buffer.from` skips what it
 * does not understand: base64 is the standard alphabet with its padding, hex any case.
 */
export function decodeValue(text: string, encoding: ValueEncoding): Buffer | undefined {
  if (encoding === "utf8") return text.isWellFormed() ? Buffer.from(text) : undefined;
  const bytes = Buffer.from(text, encoding);
  const canonical = encoding === "hex" ? text.toLowerCase() : text;
  return bytes.toString(encoding) === canonical ? bytes : undefined;
}

/** The text for a value's bytes, or `undefined` where `utf8` is asked for and they are not UTF-8. */
export function encodeValue(value: Uint8Array, encoding: ValueEncoding): string | undefined {
  if (encoding === "utf8" && !isUtf8(value)) return undefined;
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString(encoding);
}
