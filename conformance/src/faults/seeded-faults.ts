import type { CallFault, FaultSchedule, FaultyCall, KeyFault, Operation } from "./call-fault.js";
import { answerLost, refused, throttled, unavailable } from "./engine-faults.js";
import { deriveSeed, Random } from "./random.js";

/** What a seeded schedule can do to a request. */
export type SeededFault =
  | "unprocessed"
  | "key-lost"
  | "key-refused"
  | "rejected"
  | "request-lost"
  | "answer-lost"
  | "drop-request"
  | "drop-answer"
  | "delay"
  | "late-answer"
  | "late-apply";

export interface SeededFaultOptions {
  readonly seed: number;
  /** Share of the requests that have a fault, from 0 to 1. Default 0.5. */
  readonly rate?: number;
  /** Default: all. */
  readonly faults?: readonly SeededFault[];
  /** Other operations have no faults. Default: all. */
  readonly operations?: readonly Operation[];
  /** Longest delay, in milliseconds. Default 20. */
  readonly longestDelay?: number;
}

/** A schedule that prints its seed. */
export interface SeededSchedule extends FaultSchedule {
  readonly seed: number;
  toString(): string;
}

export const seededFaultKinds: readonly SeededFault[] = [
  "unprocessed",
  "key-lost",
  "key-refused",
  "rejected",
  "request-lost",
  "answer-lost",
  "drop-request",
  "drop-answer",
  "delay",
  "late-answer",
  "late-apply",
];

/**
 * Returns a schedule that depends only on its seed: request number N always has the same fault.
 */
export function seededFaults(options: SeededFaultOptions): SeededSchedule {
  const { seed, rate = 0.5, faults = seededFaultKinds, operations, longestDelay = 20 } = options;
  const schedule = ({ call, operation }: FaultyCall): CallFault | undefined => {
    if (operations !== undefined && !operations.includes(operation)) return undefined;
    const random = new Random(deriveSeed(seed, call));
    return random.chance(rate) ? faultOf(random.pick(faults), random, longestDelay) : undefined;
  };
  return Object.assign(schedule, { seed, toString: () => `seeded faults, seed ${seed}` });
}

function faultOf(kind: SeededFault, random: Random, longestDelay: number): CallFault {
  const milliseconds = random.integer(0, longestDelay);
  switch (kind) {
    case "unprocessed":
      return someKeys(random, { kind: "unprocessed" });
    case "key-lost":
      return someKeys(random, { kind: "fail", fault: answerLost, applied: random.chance(0.5) });
    case "key-refused":
      return someKeys(random, { kind: "fail", fault: refused });
    case "rejected":
      return { kind: "reject", fault: random.pick([throttled, unavailable]) };
    case "request-lost":
      return { kind: "reject", fault: answerLost };
    case "answer-lost":
      return { kind: "reject", fault: answerLost, applied: true };
    case "drop-request":
    case "drop-answer":
      return { kind };
    case "delay":
    case "late-answer":
    case "late-apply":
      return { kind, milliseconds };
  }
}

/** About half of the keys, and the same ones in every replay. */
function someKeys(random: Random, fault: KeyFault): CallFault {
  const chosen = random.integer(0, 2 ** 32 - 1);
  return { kind: "keys", of: (key) => (deriveSeed(chosen, key) & 1 ? fault : undefined) };
}
