import type { Anomaly, AnomalyKind } from "./anomaly.js";
import type { Observation, ReadRecord, WriteRecord } from "./history.js";
import { type KeyHistory, type KeyWrite, lastLanding } from "./key-history.js";

/** Something that may have led to what a read saw: a write, or the expiry of what it wrote. */
interface Source {
  readonly record: WriteRecord;
  /** The source takes effect after this time. */
  readonly start: number;
  /** The source takes effect before this time. */
  readonly last: number;
  /** The key expires before this time, if this source was the last write. */
  readonly expired: number;
}

/** Checks one read against the writes of its key. Returns the anomaly, or `undefined` if the read is possible. */
export function checkRead(read: ReadRecord, history: KeyHistory): Anomaly | undefined {
  if (read.saw === "torn") return anomaly("torn-value", read, "a damaged value");
  const makers = [initial, ...history.writes].flatMap((write) => sourcesOf(read.saw, write));
  const hasValue = read.saw !== "missing" && read.saw !== "present";
  if (hasValue && makers.every(({ start }) => start > read.end)) {
    return anomaly("unwritten-value", read, "a value that no client had written under this key");
  }
  const possible = makers.filter(({ record, start }) => record.outcome !== "not-applied" && start < read.end);
  const replaced = possible.map((source) => replacedBy(source, read, history));
  if (possible.length > 0 && replaced.some((newer) => newer === undefined)) return undefined;
  const denied = makers.find(({ record, start }) => record.outcome === "not-applied" && start < read.end);
  if (denied !== undefined) return anomaly("false-not-applied", read, `${describe(denied.record)}`);
  const newer = replaced.at(-1);
  const older = possible.at(-1)?.record;
  if (newer === undefined || older === undefined) {
    return anomaly("unwritten-value", read, "a value, although no client had written one");
  }
  if (newer === older) return anomaly("wrong-expiry", read, `${describe(older)}, which had expired`);
  return anomaly(kindOf(read, older, newer, history), read, `${describe(older)}, which ${describe(newer)} replaced`);
}

/** A delete that represents the initial state of every key, in which the key is missing. */
const initialWrite: WriteRecord = {
  client: "initial state",
  key: "",
  kind: "delete",
  write: 0,
  start: -1,
  end: 0,
  outcome: "applied",
  resolved: true,
  late: false,
};
const initial: KeyWrite = { record: initialWrite, expiry: undefined };

/** Returns how a write may have led to what a read saw. */
function sourcesOf(saw: Observation, { record, expiry }: KeyWrite): Source[] {
  if (explains(record, saw)) {
    // The `ttl` of an increment applies only if it created the key.
    const expired = record.kind === "set" && expiry !== undefined ? expiry.end : Number.POSITIVE_INFINITY;
    return [{ record, start: record.start, last: lastLanding(record), expired }];
  }
  if (saw !== "missing" || expiry === undefined || record.outcome === "not-applied") return [];
  return [{ record, start: expiry.start, last: expiry.end, expired: Number.POSITIVE_INFINITY }];
}

/** Returns whether a read directly after `write` may see `saw`. */
function explains({ kind, write, result }: WriteRecord, saw: Observation): boolean {
  if (saw === "missing" || saw === "present") return (kind === "delete") === (saw === "missing");
  if (kind === "increment") return typeof saw === "bigint" && (result === undefined || result === saw);
  return kind === "set" && saw === write;
}

/**
 * Returns a write that certainly took effect after `source` and before `read`, or the write of the source itself if its
 * value had expired. In both cases, `read` cannot return what the source left. Otherwise returns `undefined`.
 */
function replacedBy(
  { record, last, expired }: Source,
  read: ReadRecord,
  { writes }: KeyHistory,
): WriteRecord | undefined {
  const newer = writes.find(
    ({ record: other }) => other.outcome === "applied" && other.start > last && other.end < read.start,
  );
  return newer?.record ?? (expired < read.start ? record : undefined);
}

function kindOf(read: ReadRecord, older: WriteRecord, newer: WriteRecord, { reads }: KeyHistory): AnomalyKind {
  const seesNewer = (other: ReadRecord): boolean => explains(newer, other.saw) && other.end > newer.start;
  if (reads.some((other) => other.start > read.end && seesNewer(other))) {
    return read.saw === "missing" ? "false-missing" : "stale-read";
  }
  const wasThere = reads.some((other) => other.end < read.start && seesNewer(other));
  if (read.saw === "missing" && newer.ttl !== undefined && wasThere) return "wrong-expiry";
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

export function describe({ client, kind, write, outcome, start, end }: WriteRecord): string {
  return `${kind} ${write} of ${client} at ${start}-${end} (${outcome})`;
}
