import { Random } from "./random.js";

/** Which way bytes flow: from client to server, or back. */
export type Direction = "request" | "answer";

/**
 * What a proxy does to a connection.
 *
 * - `cut`: closes both sides cleanly, like a server that shuts down.
 * - `reset`: resets both sides.
 * - `hold`: keeps the bytes and sends them later, even if the client has hung up by then.
 * - `drop`: discards the bytes; the connection stays open.
 * - `half-open`: closes the server's side without telling the client.
 * - `garble`: replaces the bytes with different ones.
 * - `slice`: sends the bytes in small pieces.
 */
export type ConnectionFaultKind = (typeof connectionFaultKinds)[number];

export const connectionFaultKinds = ["cut", "reset", "hold", "drop", "half-open", "garble", "slice"] as const;

export interface ConnectionFault {
  readonly kind: ConnectionFaultKind;
  /** The direction whose bytes are counted, and held, dropped, garbled or sliced. */
  readonly direction: Direction;
  /**
   * How much of that direction passes first, counted on each connection from when the fault is armed: bytes, or messages
   * (what arrives in one piece). Default: nothing.
   */
  readonly after?: { readonly bytes: number } | { readonly messages: number };
  /**
   * `connection` (default): the fault hits the first connection that gets that far. `all`: it then hits every open
   * connection at once, and each new one until `heal()`.
   */
  readonly scope?: "connection" | "all";
  /** For `hold`: how long, in milliseconds. Default: until `heal()`. */
  readonly milliseconds?: number;
}

/** The kinds that change no byte, so that every outcome can still be true. */
export const byteTrueFaultKinds: readonly ConnectionFaultKind[] = connectionFaultKinds.filter(
  (kind) => kind !== "garble",
);

export interface SeededConnectionFaultOptions extends Pick<ConnectionFault, "scope"> {
  /** Default: all. */
  readonly kinds?: readonly ConnectionFaultKind[];
  /** About how long the longest message is, in bytes. Default 3,000. */
  readonly messageBytes?: number;
  /** Longest `hold`, in milliseconds. Default: until `heal()`. */
  readonly longestHold?: number;
}

/** A random fault somewhere in the next few messages. The same seed returns the same fault. */
export function seededConnectionFault(seed: number, options: SeededConnectionFaultOptions = {}): ConnectionFault {
  const { kinds = connectionFaultKinds, scope = "connection", messageBytes = 3_000, longestHold } = options;
  const random = new Random(seed);
  const kind = random.pick(kinds);
  const direction = random.pick(["request", "answer"] as const);
  const bytes = Math.floor((3 * messageBytes) ** random.next()) - 1;
  const after = random.chance(0.7) ? { bytes } : { messages: random.integer(0, 3) };
  const milliseconds = longestHold === undefined ? {} : { milliseconds: random.integer(1, longestHold) };
  const fault: ConnectionFault = { kind, direction, after, scope, ...milliseconds };
  return Object.assign(fault, { toString: () => `${JSON.stringify(fault)}, seed ${seed}` });
}
