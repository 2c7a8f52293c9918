import type { ReadRecord, WriteRecord } from "./history.js";
import { beginning, type KeyHistory, lastLanding, made } from "./key-history.js";
import type { Violation, ViolationKind } from "./violation.js";

/** What is wrong with one read by itself, beside the writes of its key. */
export function checkRead(read: ReadRecord, history: KeyHistory): Violation | undefined {
  if (read.saw === "torn") return violation("torn-value", read, "a value that is not whole");
  const makers = [beginning, ...history.writes].filter((write) => made(write, read.saw));
  if (typeof read.saw === "number" && makers.every((write) => write.start > read.end)) {
    return violation("value-nobody-wrote", read, "a value that nobody had written under this key");
  }
  const possible = makers.filter((write) => write.outcome !== "not-applied" && write.start < read.end);
  const replaced = possible.map((write) => replacedBy(write, read, history.writes));
  if (possible.length > 0 && replaced.some((newer) => newer === undefined)) return undefined;
  const denied = makers.find((write) => write.outcome === "not-applied" && write.start < read.end);
  if (denied !== undefined) return violation("false-not-applied", read, `${describe(denied)}`);
  const newer = replaced.at(-1);
  const older = possible.at(-1);
  if (newer === undefined || older === undefined) {
    return violation("value-nobody-wrote", read, "a value, and nobody had written any");
  }
  return violation(
    kindOf(read, older, newer, history),
    read,
    `${describe(older)}; after it ${describe(newer)}`,
  );
}

/** A write that surely came between a write and a read: the read can no longer see what it replaced. */
function replacedBy(
  write: WriteRecord,
  read: ReadRecord,
  writes: readonly WriteRecord[],
): WriteRecord | undefined {
  const last = lastLanding(write);
  return writes.find((newer) => newer.outcome === "applied" && newer.start > last && newer.end < read.start);
}

function kindOf(
  read: ReadRecord,
  older: WriteRecord,
  newer: WriteRecord,
  { reads }: KeyHistory,
): ViolationKind {
  const seesNewer = (other: ReadRecord): boolean => made(newer, other.saw) && other.end > newer.start;
  if (reads.some((other) => other.start > read.end && seesNewer(other))) {
    return read.saw === "missing" ? "false-missing" : "stale-read";
  }
  const wasThere = reads.some((other) => other.end < read.start && seesNewer(other));
  if (older.outcome === "unknown" || (wasThere && older !== beginning)) return "stale-overwrite";
  return newer.resolved ? "lost-write" : "false-applied";
}

function violation(kind: ViolationKind, read: ReadRecord, text: string): Violation {
  return {
    kind,
    key: read.key,
    text: `${read.client} read ${read.saw} at ${read.start}-${read.end}: ${text}`,
  };
}

function describe({ client, kind, write, outcome, start, end }: WriteRecord): string {
  return `${kind} ${write} of ${client} at ${start}-${end} (${outcome})`;
}
