import type { CallFault, FaultSchedule, FaultyCall, KeyFault, Operation } from "./call-fault.js";
import { answerLost, refused, throttled, unavailable } from "./engine-faults.js";
import { deriveSeed, Random } from "./random.js";

/**
 * The kind of fault that a seeded schedule injects into a request.
 *
 * - `unprocessed`: about half of the keys stay unprocessed.
 * - `key-lost`: about half of the keys fail with `answerLost`. The engine may have applied them.
 * - `key-refused`: about half of the keys fail with `refused`.
 * - `rejected`: the request rejects with `throttled` or `unavailable`.
 * - `request-lost`: the request rejects with `answerLost`, and the engine does not apply it.
 * - `answer-lost`: the request rejects with `answerLost` after the engine has applied it.
 * - The other kinds are those of `CallFault`.
 */
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

/** Options of `seededFaults`. */
export interface SeededFaultOptions {
  /** Seed of the random faults, an integer. Only its lower 32 bits have an effect. */
  readonly seed: number;
  /** Probability that a request has a fault, from 0 to 1. Default 0.5. */
  readonly rate?: number;
  /** Kinds of faults to choose from. Default: all kinds. */
  readonly faults?: readonly SeededFault[];
  /** Operations that can have a fault. Default: all operations. */
  readonly operations?: readonly Operation[];
  /** Maximum delay, in milliseconds. Default 20. */
  readonly longestDelay?: number;
}

/** A schedule whose `toString()` contains its seed, for failure messages. */
export interface SeededSchedule extends FaultSchedule {
  /** The `seed` of the options. */
  readonly seed: number;
  /** Returns `seeded faults, seed <seed>`. */
  toString(): string;
}

/** All kinds of faults that a seeded schedule can inject. */
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

/** Returns a schedule that depends only on its options: request number N always has the same fault. */
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

/** Returns a call fault in which about half of the keys have the fault `fault`. A replay chooses the same keys. */
function someKeys(random: Random, fault: KeyFault): CallFault {
  const chosen = random.integer(0, 2 ** 32 - 1);
  return { kind: "keys", of: (key) => (deriveSeed(chosen, key) & 1 ? fault : undefined) };
}
