import type { History, ReadRecord, WriteRecord } from "./history.js";

/** What happened to one key. */
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

/** The last moment at which a write may take effect. */
export function lastLanding(write: WriteRecord): number {
  return write.late ? Number.POSITIVE_INFINITY : write.end;
}

/** The write that made a key what it was before anybody wrote it: missing. */
export const beginning: WriteRecord = {
  client: "nobody",
  key: "",
  kind: "delete",
  write: 0,
  start: -1,
  end: 0,
  outcome: "applied",
  resolved: true,
  late: false,
};

/** Whether a write made what a read saw. */
export function made(write: WriteRecord, saw: ReadRecord["saw"]): boolean {
  if (saw === "missing") return write.kind === "delete";
  return write.kind === "set" && (saw === "present" || saw === write.write);
}
