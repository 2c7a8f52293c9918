import type { History, ReadRecord, WriteRecord } from "./history.js";

/** The writes and reads of one key. */
export interface KeyHistory {
  readonly key: string;
  readonly writes: readonly WriteRecord[];
  readonly reads: readonly ReadRecord[];
}

export function byKey(history: History): KeyHistory[] {
  const keys = new Map<string, { key: string; writes: WriteRecord[]; reads: ReadRecord[] }>();
  const of = (key: string): { writes: WriteRecord[]; reads: ReadRecord[] } => {
    const known = keys.get(key);
    if (known !== undefined) return known;
    const made = { key, writes: [], reads: [] };
    keys.set(key, made);
    return made;
  };
  for (const write of history.writes) of(write.key).writes.push(write);
  for (const read of history.reads) of(read.key).reads.push(read);
  return [...keys.values()];
}

/** Returns the last time at which a write may take effect: the end of its call, or `Infinity` for a late write. */
export function lastLanding(write: WriteRecord): number {
  return write.late ? Number.POSITIVE_INFINITY : write.end;
}

/** A delete that represents the initial state of every key, in which the key is missing. */
export const initialWrite: WriteRecord = {
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

/** Returns whether a read directly after `write` sees `saw`. */
export function explains(write: WriteRecord, saw: ReadRecord["saw"]): boolean {
  if (saw === "missing") return write.kind === "delete";
  return write.kind === "set" && (saw === "present" || saw === write.write);
}
