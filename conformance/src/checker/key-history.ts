import type { History, ReadRecord, WriteRecord } from "./history.js";

/** The writes and reads of one key. */
export interface KeyHistory {
  readonly key: string;
  readonly writes: readonly KeyWrite[];
  readonly reads: readonly ReadRecord[];
}

/** A write, and when the key expires if this write takes effect and nothing replaces its `ttl`. */
export interface KeyWrite {
  readonly record: WriteRecord;
  readonly expiry: Span | undefined;
}

/** Something happens at one time after `start` and before `end`, on the history's clock. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export function byKey(history: History): KeyHistory[] {
  const keys = new Map<string, { key: string; writes: KeyWrite[]; reads: ReadRecord[] }>();
  const of = (key: string): { writes: KeyWrite[]; reads: ReadRecord[] } => {
    const known = keys.get(key);
    if (known !== undefined) return known;
    const made = { key, writes: [], reads: [] };
    keys.set(key, made);
    return made;
  };
  for (const record of history.writes) of(record.key).writes.push({ record, expiry: expiryOf(record, history) });
  for (const read of history.reads) of(read.key).reads.push(read);
  return [...keys.values()];
}

/** Maximum difference between the clocks of the backend and the client during a `ttl`, in milliseconds. */
const clockError = 20;

function expiryOf(write: WriteRecord, { times }: History): Span | undefined {
  if (write.ttl === undefined) return undefined;
  const timeOf = (tick: number): number => times[tick - 1] ?? Number.POSITIVE_INFINITY;
  const earliest = timeOf(write.start) + write.ttl - clockError;
  const latest = timeOf(lastLanding(write)) + write.ttl + clockError;
  const after = countBefore(times, (time) => time <= latest);
  return {
    start: countBefore(times, (time) => time < earliest),
    end: after === times.length ? Number.POSITIVE_INFINITY : after + 1,
  };
}

/** Returns how many of the ascending `times` meet `isBefore`, which no time meets after the first that does not. */
function countBefore(times: readonly number[], isBefore: (time: number) => boolean): number {
  let count = 0;
  let most = times.length;
  while (count < most) {
    const middle = (count + most) >> 1;
    if (isBefore(times[middle] as number)) count = middle + 1;
    else most = middle;
  }
  return count;
}

/** Returns the last time at which a write may take effect: the end of its call, or `Infinity` for a late write. */
export function lastLanding(write: WriteRecord): number {
  return write.late ? Number.POSITIVE_INFINITY : write.end;
}
