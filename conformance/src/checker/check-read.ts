import type { Anomaly, AnomalyKind } from "./anomaly.js";
import type { ReadRecord, WriteRecord } from "./history.js";
import { explains, initialWrite, type KeyHistory, lastLanding } from "./key-history.js";

/** Checks one read against the writes of its key. Returns the anomaly, or `undefined` if the read is possible. */
export function checkRead(read: ReadRecord, history: KeyHistory): Anomaly | undefined {
  if (read.saw === "torn") return anomaly("torn-value", read, "a damaged value");
  const makers = [initialWrite, ...history.writes].filter((write) => explains(write, read.saw));
  if (typeof read.saw === "number" && makers.every((write) => write.start > read.end)) {
    return anomaly("unwritten-value", read, "a value that no client had written under this key");
  }
  const possible = makers.filter((write) => write.outcome !== "not-applied" && write.start < read.end);
  const replaced = possible.map((write) => replacedBy(write, read, history.writes));
  if (possible.length > 0 && replaced.some((newer) => newer === undefined)) return undefined;
  const denied = makers.find((write) => write.outcome === "not-applied" && write.start < read.end);
  if (denied !== undefined) return anomaly("false-not-applied", read, `${describe(denied)}`);
  const newer = replaced.at(-1);
  const older = possible.at(-1);
  if (newer === undefined || older === undefined) {
    return anomaly("unwritten-value", read, "a value, although no client had written one");
  }
  return anomaly(kindOf(read, older, newer, history), read, `${describe(older)}, which ${describe(newer)} replaced`);
}

/**
 * Returns a write that certainly took effect after `write` and before `read`, or `undefined` if no write did. After
 * such a write, `read` cannot return the value of `write`.
 */
function replacedBy(write: WriteRecord, read: ReadRecord, writes: readonly WriteRecord[]): WriteRecord | undefined {
  const last = lastLanding(write);
  return writes.find((newer) => newer.outcome === "applied" && newer.start > last && newer.end < read.start);
}

function kindOf(read: ReadRecord, older: WriteRecord, newer: WriteRecord, { reads }: KeyHistory): AnomalyKind {
  const seesNewer = (other: ReadRecord): boolean => explains(newer, other.saw) && other.end > newer.start;
  if (reads.some((other) => other.start > read.end && seesNewer(other))) {
    return read.saw === "missing" ? "false-missing" : "stale-read";
  }
  const wasThere = reads.some((other) => other.end < read.start && seesNewer(other));
  if (older.outcome === "unknown" || (wasThere && older !== initialWrite)) return "stale-overwrite";
  return newer.resolved ? "lost-write" : "false-applied";
}

function anomaly(kind: AnomalyKind, read: ReadRecord, text: string): Anomaly {
  return {
    kind,
    key: read.key,
    text: `${read.client} read ${read.saw} at ${read.start}-${read.end}: ${text}`,
  };
}

function describe({ client, kind, write, outcome, start, end }: WriteRecord): string {
  return `${kind} ${write} of ${client} at ${start}-${end} (${outcome})`;
}
