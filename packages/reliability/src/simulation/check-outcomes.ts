import type { Anomaly, ReadRecord, WriteRecord } from "@manykv/conformance/checker";
import type { Attempt, Oracle } from "./oracle.js";

/** A write of one key, the number of its call, and whether this call was cancelled. */
export interface TrackedWrite {
  readonly record: WriteRecord;
  readonly call: number;
  readonly cancelled: boolean;
}

/**
 * Compares every outcome and every read with what the engine really did. This check is stricter than `checkHistory`: it
 * also rejects an outcome that no report of the driver justifies, even if the outcome happens to be true.
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
      const text = `${read.client} read ${read.saw} at ${read.start}-${read.end}: the key never had this state in that time`;
      anomalies.push({ kind: read.saw === "missing" ? "false-missing" : "stale-read", key: read.key, text });
    }
  }
  return anomalies;
}

/** Returns whether an attempt, which belongs to the same call and key, sent this write. */
export function belongs(attempt: Attempt, record: WriteRecord): boolean {
  return record.kind === "set" ? attempt.write === record.write : attempt.write === 0;
}

function kindOf(record: WriteRecord): Anomaly["kind"] {
  if (record.outcome === "not-applied") return "false-not-applied";
  return record.resolved ? "lost-write" : "false-applied";
}

/** Returns why an outcome is false or unjustified, or `undefined` if the outcome is true and justified. */
function falsehood({ record, cancelled }: TrackedWrite, attempts: readonly Attempt[]): string | undefined {
  const landings = attempts.flatMap((attempt) => attempt.landings);
  const acknowledged = attempts.some(({ verdict }) => verdict === "done");
  const surely = attempts.some(({ verdict, inTime }) => verdict === "done" && inTime);
  const doubtful = attempts.some(({ verdict }) => verdict === "unknown" || verdict === "silent");
  // If a response came late, core may or may not have received it.
  const late = attempts.some(({ inTime }) => !inTime);
  const { outcome, end } = record;
  if (outcome === "applied" && !acknowledged) return "the driver acknowledged nothing";
  if (outcome === "applied" && !landings.some((landing) => landing < end))
    return "the write had not taken effect when its call settled";
  if (record.kind === "increment" && landings.length > 1) return "the increment was counted more than once";
  if (outcome !== "applied" && surely) return "the driver acknowledged the write in time";
  if (outcome === "not-applied" && landings.length > 0) return "the write took effect";
  if (outcome === "not-applied" && (doubtful || acknowledged))
    return "the driver did not report that the write had no effect";
  if (outcome === "unknown" && !doubtful && !late) return "no report of the driver leaves the result unknown";
  return cancelled ? undefined : lateLanding(attempts, end);
}

/** Returns a message if a write with a working fence took effect after the next attempt began or the call settled. */
function lateLanding(attempts: readonly Attempt[], end: number): string | undefined {
  for (const [index, attempt] of attempts.entries()) {
    const settledBy = Math.min(end, attempts[index + 1]?.sent ?? end);
    if (attempt.fenced && attempt.landings.some((landing) => landing > settledBy)) {
      return "the write took effect after core could have settled it";
    }
  }
  return undefined;
}

function isPossible(oracle: Oracle, { key, start, end, saw }: ReadRecord): boolean {
  return oracle.everWas(key, start, end, (was) => (saw === "present" ? was !== "missing" : was === saw));
}
