import type { Anomaly } from "./anomaly.js";
import { checkRead, describe } from "./check-read.js";
import { hasOrder } from "./find-order.js";
import type { History, WriteRecord } from "./history.js";
import { byKey, type KeyHistory } from "./key-history.js";

/** The result of `checkHistory`: the anomalies, and the numbers of checked keys, writes and reads. */
export interface CheckResult {
  /** The anomalies that the clients recorded or the checker found. Empty if the history has none. */
  readonly anomalies: readonly Anomaly[];
  /**
   * The keys that the checker could not judge, in the form `bucket/key`. Each result of such a key is possible by itself,
   * but the search for an order that explains all results stopped at its limit of 50,000 states.
   */
  readonly undecided: readonly string[];
  /** Number of keys that were written or read. */
  readonly keys: number;
  /** Number of writes. A batch counts once for each different key. */
  readonly writes: number;
  /** Number of reads that succeeded. A batch or a listing counts once for each key. */
  readonly reads: number;
}

/**
 * Checks a history for anomalies: reads that contradict the reported outcomes of writes, writes whose condition was not
 * met, keys that expire at the wrong time, writes that never settled, and the anomalies that the clients recorded.
 *
 * Every key must be missing when the history begins. At the end of the history, read all keys through another
 * `RecordedClient`, because the checker can only judge keys that were read.
 */
export function checkHistory(history: History): CheckResult {
  const anomalies: Anomaly[] = [...history.anomalies];
  const undecided: string[] = [];
  for (const write of history.writes) {
    if (write.end === Number.POSITIVE_INFINITY) {
      const text = `${write.client}: ${write.kind} ${write.write} never settled`;
      anomalies.push({ kind: "unsettled", key: write.key, text });
    }
  }
  const keys = byKey(history);
  for (const key of keys) {
    const found = checkKey(key);
    if (found === "undecided") undecided.push(key.key);
    else anomalies.push(...found);
  }
  return {
    anomalies,
    undecided,
    keys: keys.length,
    writes: history.writes.length,
    reads: history.reads.length,
  };
}

function checkKey(history: KeyHistory): Anomaly[] | "undecided" {
  const found: Anomaly[] = [];
  for (const read of history.reads) {
    const anomaly = checkRead(read, history);
    if (anomaly !== undefined) found.push(anomaly);
  }
  for (const { record } of history.writes) {
    const anomaly = checkCondition(record, history);
    if (anomaly !== undefined) found.push(anomaly);
  }
  if (found.length > 0) return found;
  const order = hasOrder(history);
  if (order === undefined) return "undecided";
  if (order) return [];
  const { key, writes } = history;
  return [
    {
      kind: "impossible-order",
      key,
      text: `no order of the writes of the key explains all results (writes: ${writes.length})`,
    },
  ];
}

/** Checks like a read that a write with a condition found the expected state during its call. */
function checkCondition(write: WriteRecord, history: KeyHistory): Anomaly | undefined {
  const { key, client, start, end, expected, outcome } = write;
  if (expected === undefined || outcome !== "applied") return undefined;
  const anomaly = checkRead({ key, client, start, end, saw: expected }, history);
  return anomaly && { ...anomaly, kind: "false-condition", text: `${describe(write)}: ${anomaly.text}` };
}
