/** A value as a `Buffer`, for those who take nothing else: the same memory, so that everyone works on the same bytes. */
export function sameBytes(value: Uint8Array | undefined): Buffer {
  if (value === undefined) throw new Error("there is a key without a value");
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
