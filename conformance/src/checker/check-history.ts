import { checkRead } from "./check-read.js";
import { hasOrder } from "./find-order.js";
import type { History } from "./history.js";
import { byKey, type KeyHistory } from "./key-history.js";
import type { Violation } from "./violation.js";

/** What a check found. */
export interface CheckResult {
  readonly violations: readonly Violation[];
  /** Keys whose reads are each possible, and for which the search for a common order was given up. */
  readonly undecided: readonly string[];
  readonly keys: number;
  readonly writes: number;
  readonly reads: number;
}

/**
 * Checks what clients did and saw against what the outcomes promise. Every key must have been missing at the start. Read
 * all keys at the end, through a client of its own: what nobody reads nobody checks.
 */
export function checkHistory(history: History): CheckResult {
  const violations: Violation[] = [...history.misbehaviours];
  const undecided: string[] = [];
  for (const write of history.writes) {
    if (write.end === Number.POSITIVE_INFINITY) {
      const text = `${write.client}: ${write.kind} ${write.write} never settled`;
      violations.push({ kind: "unsettled", key: write.key, text });
    }
  }
  const keys = byKey(history);
  for (const key of keys) {
    const found = checkKey(key);
    if (found === "undecided") undecided.push(key.key);
    else violations.push(...found);
  }
  return {
    violations,
    undecided,
    keys: keys.length,
    writes: history.writes.length,
    reads: history.reads.length,
  };
}

function checkKey(history: KeyHistory): Violation[] | "undecided" {
  const found: Violation[] = [];
  for (const read of history.reads) {
    const violation = checkRead(read, history);
    if (violation !== undefined) found.push(violation);
  }
  if (found.length > 0 || history.reads.length < 2) return found;
  const order = hasOrder(history);
  if (order === undefined) return "undecided";
  if (order) return [];
  const { key, writes } = history;
  return [{ kind: "impossible-order", key, text: `no order of its ${writes.length} writes fits all reads` }];
}
