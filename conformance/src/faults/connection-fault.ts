import { Random } from "./random.js";

/** The direction of bytes: `request` from the client to the server, `answer` from the server to the client. */
export type Direction = "request" | "answer";

/**
 * What a proxy does to a connection.
 *
 * - `cut`: closes both sides cleanly, like a server that shuts down.
 * - `reset`: resets both sides with a TCP RST. A side that uses TLS, or is still connecting, is closed instead.
 * - `hold`: keeps the bytes and sends them later, even if the client has closed its connection.
 * - `drop`: discards the bytes. The connection stays open.
 * - `half-open`: closes the connection to the server, keeps the connection to the client open, and discards all bytes.
 * - `garble`: replaces the bytes with the same number of different bytes.
 * - `slice`: sends the bytes in small pieces.
 */
export type ConnectionFaultKind = (typeof connectionFaultKinds)[number];

export const connectionFaultKinds = ["cut", "reset", "hold", "drop", "half-open", "garble", "slice"] as const;

/** A fault that a proxy injects into connections: what the proxy does, to which bytes, and when the fault begins. */
export interface ConnectionFault {
  readonly kind: ConnectionFaultKind;
  /** The direction whose bytes the proxy counts for `after`, and then holds, drops, garbles or slices. */
  readonly direction: Direction;
  /**
   * The fault begins after this number of bytes or messages of this direction on one connection, counted from the
   * moment when the fault is armed. A message is one chunk of received bytes. Default: 0 bytes.
   */
  readonly after?: { readonly bytes: number } | { readonly messages: number };
  /**
   * `connection` (default): the fault affects only the connection on which it begins. `all`: it also affects every
   * other open connection and, until `heal()`, every new connection.
   */
  readonly scope?: "connection" | "all";
  /** For `hold`: how long the proxy holds the bytes, in milliseconds. Default: until `heal()`. */
  readonly milliseconds?: number;
}

/** The kinds that do not change bytes. Under these faults, a driver can still report every outcome correctly. */
export const byteTrueFaultKinds: readonly ConnectionFaultKind[] = connectionFaultKinds.filter(
  (kind) => kind !== "garble",
);

export interface SeededConnectionFaultOptions extends Pick<ConnectionFault, "scope"> {
  /** Kinds of faults to choose from. Default: all kinds. */
  readonly kinds?: readonly ConnectionFaultKind[];
  /** Approximate size of the longest message, in bytes. `after.bytes` is less than three times it. Default 3,000. */
  readonly messageBytes?: number;
  /** Maximum duration of a `hold` fault, in milliseconds. By default, a `hold` fault lasts until `heal()`. */
  readonly longestHold?: number;
}

/** Returns a random fault that begins within the next few messages. The fault depends only on `seed` and `options`. */
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

const verbs: { readonly [Kind in ConnectionFaultKind]: string } = {
  cut: "closes the connection",
  reset: "resets the connection",
  hold: "holds the bytes",
  drop: "drops the bytes",
  "half-open": "closes the connection to the server and keeps the connection to the client",
  garble: "garbles the bytes",
  slice: "sends the bytes in small pieces",
};

/** Returns a fault in words. */
export function describeConnectionFault({ kind, direction, after, scope }: ConnectionFault): string {
  const bytes = direction === "request" ? "requests" : "responses";
  const count =
    after === undefined ? "" : "bytes" in after ? `${after.bytes} bytes of ` : `${after.messages} messages of `;
  const start = count === "" ? `at the first byte of ${bytes}` : `after ${count}${bytes}`;
  return `a proxy ${verbs[kind]} ${start}${scope === "all" ? ", on every connection" : ""}`;
}
