import { allDone, type Driver, type DriverLimits, type Fault, type KeysRequest, nextTurn } from "@manykv/core/driver";

/** The data that all clients of one reference backend share: buckets by name, values by key. */
export type ReferenceData = Map<string, Map<string, Uint8Array<ArrayBuffer>>>;

const limits: DriverLimits = Object.freeze({
  maxValueBytes: 1_000_000,
  get: Object.freeze({ maxKeys: 1000, maxBytes: 4_000_000 }),
  set: Object.freeze({ maxKeys: 1000, maxBytes: 4_000_000 }),
  delete: Object.freeze({ maxKeys: 1000, maxBytes: 4_000_000 }),
  concurrency: 4,
});

const pageSize = 1000;

/**
 * Returns the simplest conforming driver, which stores everything in a map in memory. The mutants break
 * this driver or the stores that use it.
 */
export function referenceDriver(data: ReferenceData): Driver {
  const entriesOf = (bucket: string): Map<string, Uint8Array> => {
    const entries = data.get(bucket) ?? new Map<string, Uint8Array<ArrayBuffer>>();
    data.set(bucket, entries);
    return entries;
  };
  let requests = 0;
  // Without this, a program that awaits one call after the other would block timers and I/O.
  const letOthersRun = async (): Promise<void> => {
    if (++requests % 100 === 0) await nextTurn();
  };
  return {
    name: "reference",
    limits,
    async get({ bucket, keys }) {
      await letOthersRun();
      const entries = entriesOf(bucket);
      return { values: keys.map((key) => entries.get(key)?.slice()) };
    },
    async exists({ bucket, keys }: KeysRequest) {
      const entries = entriesOf(bucket);
      return { values: keys.map((key) => entries.has(key)) };
    },
    async set({ bucket, keys, values }) {
      await letOthersRun();
      const entries = entriesOf(bucket);
      for (const [index, key] of keys.entries()) entries.set(key, (values[index] as Uint8Array).slice());
      return allDone;
    },
    async delete({ bucket, keys }) {
      const entries = entriesOf(bucket);
      for (const key of keys) entries.delete(key);
      return allDone;
    },
    // A cursor contains the last key of its page, so keys that are added or deleted later do not shift the other keys.
    async list({ bucket, cursor }) {
      await letOthersRun();
      const after = cursor === undefined ? undefined : lastKeyOf(cursor);
      const sorted = [...entriesOf(bucket).keys()].sort();
      const from = after === undefined ? 0 : sorted.findIndex((key) => key > after);
      const keys = from < 0 ? [] : sorted.slice(from, from + pageSize);
      const last = keys.at(-1);
      return keys.length < pageSize || last === undefined ? { keys } : { keys, cursor: `after ${last}` };
    },
    async close() {},
    classify: (error): Fault =>
      error instanceof BadCursor
        ? { code: "invalid-argument", retryable: false, effect: "none" }
        : { code: "internal", retryable: false, effect: "unknown" },
  };
}

class BadCursor extends Error {}

function lastKeyOf(cursor: string): string {
  if (!cursor.startsWith("after ")) throw new BadCursor();
  return cursor.slice("after ".length);
}
