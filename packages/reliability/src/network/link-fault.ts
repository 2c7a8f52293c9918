import type { Random } from "../random.js";

export type Direction = "request" | "answer";

/**
 * | kind | what happens to the connection |
 * | --- | --- |
 * | `cut` | both sides are closed in order |
 * | `reset` | both sides are reset |
 * | `hold` | what goes in the fault's direction waits for `milliseconds`, then goes on |
 * | `slice` | what goes in the fault's direction goes byte by byte |
 * | `drop-request` | nothing reaches the server any more, and nobody is told |
 * | `drop-answer` | nothing reaches the client any more, and nobody is told |
 * | `half-open` | the server's side is closed, the client's stays open and silent |
 */
export type LinkFaultKind = "cut" | "reset" | "hold" | "slice" | "drop-request" | "drop-answer" | "half-open";

export const linkFaultKinds: readonly LinkFaultKind[] = [
  "cut",
  "reset",
  "hold",
  "slice",
  "drop-request",
  "drop-answer",
  "half-open",
];

export interface LinkFault {
  readonly kind: LinkFaultKind;
  /** In which direction bytes are counted, and held or sliced. */
  readonly direction: Direction;
  /** Bytes that still pass in that direction. */
  readonly after: number;
  /** One connection, or all of the link and every new one until it heals. */
  readonly scope: "connection" | "link";
  /** For `hold`; `Infinity` until the link heals. */
  readonly milliseconds: number;
}

/** A fault somewhere in the next few messages. */
export function drawFault(random: Random, scope: LinkFault["scope"], messageBytes: number): LinkFault {
  const kind = random.pick(linkFaultKinds);
  const direction =
    kind === "drop-request"
      ? "request"
      : kind === "drop-answer"
        ? "answer"
        : random.pick(["request", "answer"] as const);
  const after = random.pick([0, 1, random.integer(0, messageBytes), random.integer(0, 3 * messageBytes)]);
  return { kind, direction, after, scope, milliseconds: random.integer(1, 400) };
}
