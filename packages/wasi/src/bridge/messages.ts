import type { Answer, Bytes, CallName, Calls } from "../stores/calls.js";

/** A call that a thread sends to the thread that owns the stores. */
export interface Request {
  readonly sequence: number;
  readonly identifier: string;
  readonly name: CallName;
  readonly args: readonly unknown[];
}

export interface Response {
  readonly sequence: number;
  readonly answer: Answer<unknown>;
}

/**
 * Several values in one buffer, which a message can transfer. A single value may be a view of a larger buffer, and a message
 * would clone that whole buffer.
 */
export class PackedValues {
  readonly bytes: Bytes;
  /** The length of each value, or -1 for a missing one. */
  readonly lengths: Int32Array<ArrayBuffer>;

  constructor(values: readonly (Uint8Array | undefined)[]) {
    this.lengths = Int32Array.from(values, (value) => value?.length ?? -1);
    this.bytes = new Uint8Array(values.reduce((sum, value) => sum + (value?.length ?? 0), 0));
    let offset = 0;
    for (const value of values) {
      if (value === undefined) continue;
      this.bytes.set(value, offset);
      offset += value.length;
    }
  }

  /** Returns the values of a message. A message contains the properties of this class, but not its methods. */
  static unpack({ bytes, lengths }: PackedValues): (Bytes | undefined)[] {
    let offset = 0;
    return Array.from(lengths, (length) => {
      if (length < 0) return undefined;
      offset += length;
      return bytes.subarray(offset - length, offset);
    });
  }
}

type Message = { readonly message: unknown; readonly transfer: ArrayBuffer[] };

/** Prepares the arguments of a call for a message. */
export function packArgs(name: CallName, args: readonly unknown[]): Message {
  if (name !== "setMany") return { message: args, transfer: [] };
  const [keys, values] = args as Parameters<Calls["setMany"]>;
  const packed = new PackedValues(values);
  return { message: [keys, packed], transfer: [packed.bytes.buffer] };
}

export function unpackArgs(name: CallName, args: readonly unknown[]): readonly unknown[] {
  if (name !== "setMany") return args;
  return [args[0], PackedValues.unpack(args[1] as PackedValues)];
}

/** Prepares an answer for a message. */
export function packAnswer(name: CallName, answer: Answer<unknown>): Message {
  if ("failure" in answer) return { message: answer, transfer: [] };
  if (name === "getMany") {
    const packed = new PackedValues(answer.value as (Bytes | undefined)[]);
    return { message: { value: packed }, transfer: [packed.bytes.buffer] };
  }
  if (answer.value instanceof Uint8Array) {
    const bytes = new Uint8Array(answer.value);
    return { message: { value: bytes }, transfer: [bytes.buffer] };
  }
  return { message: answer, transfer: [] };
}

export function unpackAnswer(name: CallName, answer: Answer<unknown>): Answer<unknown> {
  if ("failure" in answer || name !== "getMany") return answer;
  return { value: PackedValues.unpack(answer.value as PackedValues) };
}
