/** One parameter of a statement, in the binary form that the server takes. */
export interface Parameter {
  /** Upper bound of its bytes. */
  readonly capacity: number;
  /** Writes it at `offset` and gives the offset behind it. */
  write(bytes: Buffer, offset: number): number;
}

/** An `int4`. */
export function integerParameter(value: number): Parameter {
  return { capacity: 4, write: (bytes, offset) => bytes.writeInt32BE(value, offset) };
}

/** Bytes that are in the server's form already: a `bytea`, or what an answer had. */
export function rawParameter(value: Uint8Array): Parameter {
  return { capacity: value.byteLength, write: (bytes, offset) => writeBytes(bytes, offset, value) };
}

/** A `text`. */
export function textParameter(value: string): Parameter {
  return { capacity: value.length * 3, write: (bytes, offset) => offset + bytes.write(value, offset) };
}

export function writeBytes(bytes: Buffer, offset: number, value: Uint8Array): number {
  bytes.set(value, offset);
  return offset + value.byteLength;
}
