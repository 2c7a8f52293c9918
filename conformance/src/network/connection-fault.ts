import { pick, randomOf } from "../support/random.js";

/** Which way bytes flow: from client to server, or back. */
export type Direction = "request" | "answer";

/** What a proxy does to connections. */
export type ConnectionFaultKind =
  /** Ends both sides, as a server does that shuts down. */
  | "cut"
  /** Resets both sides. */
  | "reset"
  /** Keeps the bytes back; `heal()` lets them go on, also when the client has long hung up. */
  | "hold"
  /** Throws the bytes away; the connection stays open. */
  | "drop"
  /** Ends the server's side, and the client is not told. */
  | "half-open"
  /** Overwrites the bytes with others. */
  | "garble"
  /** Passes the bytes on in small pieces. */
  | "slice";

export interface ConnectionFault {
  readonly kind: ConnectionFaultKind;
  /** The direction whose bytes are counted, and which is held, dropped, garbled or sliced. */
  readonly direction: Direction;
  /**
   * How much of that direction passes first on a connection, counted from when the fault was armed: bytes, or messages,
   * that is, what arrived in one piece. Default: nothing.
   */
  readonly after?: { readonly bytes: number } | { readonly messages: number };
  /** How many connections it happens to. Default 1; `Infinity` for all, until `heal()`. */
  readonly connections?: number;
}

export const connectionFaultKinds: readonly ConnectionFaultKind[] = [
  "cut",
  "reset",
  "hold",
  "drop",
  "half-open",
  "garble",
  "slice",
];

/** A fault that follows from its seed, and says so when it is printed. */
export interface SeededConnectionFault extends ConnectionFault {
  readonly seed: number;
  toString(): string;
}

/** A fault somewhere in the first bytes or messages of a request or its answer. */
export function seededConnectionFault(
  seed: number,
  kinds: readonly ConnectionFaultKind[] = connectionFaultKinds,
): SeededConnectionFault {
  const random = randomOf(seed);
  const kind = pick(random, kinds);
  const direction = pick(random, ["request", "answer"] as const);
  const bytes = Math.floor(10 ** (random() * 4)) - 1;
  const after = random() < 0.7 ? { bytes } : { messages: Math.floor(random() * 4) };
  const fault = { kind, direction, after };
  return { ...fault, seed, toString: () => `seeded fault ${JSON.stringify(fault)}, seed ${seed}` };
}
