import type { PreparedSet, SetRequest } from "@manykv/core";
import { bucketPrefix } from "../keys.js";
import { encodeMset } from "./encode-command.js";

/** An `MSET` as it goes over the wire, which is the only copy of its values. */
export class PreparedMset implements PreparedSet {
  readonly keys: readonly string[];
  readonly bytes: Buffer;
  #values: readonly Uint8Array[] | undefined;

  constructor(bucket: string, keys: readonly string[], values: readonly Uint8Array[]) {
    this.keys = keys;
    this.bytes = encodeMset(bucketPrefix(bucket), keys, values);
  }

  /** The one that was prepared for a request, or one made now. */
  static of(request: SetRequest): PreparedMset {
    const { bucket, keys, prepared } = request;
    if (prepared instanceof PreparedMset && prepared.keys === keys) return prepared;
    return new PreparedMset(bucket, keys, request.values);
  }

  valueAt(index: number): Uint8Array {
    this.#values ??= valuesIn(this.bytes, this.keys.length);
    return this.#values[index] as Uint8Array;
  }
}

const lineFeed = 10;

/** The values in an `MSET` of `count` keys. Found again when they are asked for, as hardly ever happens. */
function valuesIn(bytes: Buffer, count: number): Uint8Array[] {
  let position = 0;
  const line = (): string => {
    const start = position;
    position = bytes.indexOf(lineFeed, start) + 1;
    return bytes.toString("latin1", start, position - 2);
  };
  const bulk = (): Uint8Array => {
    const length = Number(line().slice(1));
    const start = position;
    position += length + 2;
    return bytes.subarray(start, start + length);
  };
  // How many words there are.
  line();
  const words = Array.from({ length: 1 + 2 * count }, bulk);
  return words.filter((_, index) => index > 0 && index % 2 === 0);
}
