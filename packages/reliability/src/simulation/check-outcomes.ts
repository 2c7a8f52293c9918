import type { Anomaly, ReadRecord, WriteRecord } from "@manykv/conformance/checker";
import type { Attempt, Oracle } from "./oracle.js";

/** A write of one key and the call that it belongs to. */
export interface TrackedWrite {
  readonly record: WriteRecord;
  readonly call: number;
  readonly cancelled: boolean;
}

/**
 * Compares every outcome with what the engine really did. Stricter than the history: an outcome that is true only by luck,
 * because nothing that the driver reported justifies it, counts as false.
 */
export function checkOutcomes(oracle: Oracle, writes: readonly TrackedWrite[]): Anomaly[] {
  const anomalies: Anomaly[] = oracle.broken.map((text) => ({ kind: "malformed-error", text }));
  for (const write of writes) {
    const { record, call } = write;
    const attempts = oracle.attempts.filter(
      (attempt) => attempt.call === call && attempt.key === record.key && belongs(attempt, record),
    );
    const text = falsehood(write, attempts);
    if (text === undefined) continue;
    const attempted = attempts.map(({ verdict, inTime, landings }) => `${verdict}${inTime ? "" : "?"}@${landings}`);
    const what = `${record.kind} ${record.write} (${record.outcome}): ${text}; attempts: ${attempted.join(" ")}`;
    anomalies.push({ kind: kindOf(record), key: record.key, text: what });
  }
  for (const read of oracle.history.reads) {
    if (!isPossible(oracle, read)) {
      const text = `${read.client} read ${read.saw} at ${read.start}-${read.end}: it never was that meanwhile`;
      anomalies.push({ kind: read.saw === "missing" ? "false-missing" : "stale-read", key: read.key, text });
    }
  }
  return anomalies;
}

function belongs(attempt: Attempt, record: WriteRecord): boolean {
  return record.kind === "delete" ? attempt.write === 0 : attempt.write === record.write;
}

function kindOf(record: WriteRecord): Anomaly["kind"] {
  if (record.resolved) return "lost-write";
  return record.outcome === "not-applied" ? "false-not-applied" : "false-applied";
}

/** Returns what is false about an outcome, if anything. */
function falsehood({ record, cancelled }: TrackedWrite, attempts: readonly Attempt[]): string | undefined {
  const landings = attempts.flatMap((attempt) => attempt.landings);
  const acknowledged = attempts.some(({ verdict }) => verdict === "done");
  const surely = attempts.some(({ verdict, inTime }) => verdict === "done" && inTime);
  const doubtful = attempts.some(({ verdict }) => verdict === "unknown" || verdict === "silent");
  // Core may or may not have seen an answer that came late.
  const late = attempts.some(({ inTime }) => !inTime);
  const { outcome, end } = record;
  if (outcome === "applied" && !acknowledged) return "nothing was acknowledged";
  if (outcome === "applied" && !landings.some((landing) => landing < end)) return "it did not land in time";
  if (outcome !== "applied" && surely) return "it was acknowledged";
  if (outcome === "not-applied" && landings.length > 0) return "it landed";
  if (outcome === "not-applied" && (doubtful || acknowledged)) return "nothing says that it did not land";
  if (outcome === "unknown" && !doubtful && !late) return "nothing is unknown about it";
  return cancelled ? undefined : lateLanding(attempts, end);
}

/** A request that could be settled must not take effect after the next attempt or the end of its call. */
function lateLanding(attempts: readonly Attempt[], end: number): string | undefined {
  for (const [index, attempt] of attempts.entries()) {
    const settledBy = Math.min(end, attempts[index + 1]?.sent ?? end);
    if (attempt.fenced && attempt.landings.some((landing) => landing > settledBy)) {
      return "it landed after it could have been settled";
    }
  }
  return undefined;
}

function isPossible(oracle: Oracle, { key, start, end, saw }: ReadRecord): boolean {
  return oracle.everWas(key, start, end, (write) => {
    if (saw === "missing") return write === 0;
    return saw === "present" ? write !== 0 : write === saw;
  });
}
