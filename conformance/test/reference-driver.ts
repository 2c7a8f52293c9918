import {
  addToInteger,
  allDone,
  type Driver,
  type DriverLimits,
  type Fault,
  type ItemFault,
  keyExists,
  nextTurn,
} from "@manykv/core/driver";

/** The data that all clients of one reference backend share: buckets by name, values by key. */
export type ReferenceData = Map<string, Map<string, Uint8Array<ArrayBuffer>>>;

/** When the keys of stored values expire, in milliseconds on the clock of `Date.now()`. */
const expiries: WeakMap<Uint8Array, number> = new WeakMap();

const limits: DriverLimits = Object.freeze({
  maxValueBytes: 1_000_000,
  get: Object.freeze({ maxKeys: 1000, maxBytes: 4_000_000 }),
  set: Object.freeze({ maxKeys: 1000, maxBytes: 4_000_000 }),
  delete: Object.freeze({ maxKeys: 1000, maxBytes: 4_000_000 }),
  concurrency: 4,
});

const pageSize = 1000;

/** Options of a reference driver. */
export interface ReferenceOptions {
  /**
   * Whether listings return pages of any size, as on a large shared server: first empty pages and pages with one item,
   * then larger ones with empty pages in between. Default: pages of 1,000 items.
   */
  readonly smallPages?: boolean;
}

/**
 * Returns the simplest conforming driver, which stores everything in a map in memory. The mutants break
 * this driver or the stores that use it.
 */
export function referenceDriver(data: ReferenceData, { smallPages = false }: ReferenceOptions = {}): Driver {
  const sizeOf = (page: number): number => {
    if (!smallPages) return pageSize;
    return page % 3 === 0 ? 0 : page < 30 ? 1 : 100;
  };
  /** Returns a page of sorted items. A cursor contains the last item before it, so changes do not shift the others. */
  const pageOf = (sorted: readonly string[], cursor: string | undefined): { items: string[]; cursor?: string } => {
    const { page, last } = cursor === undefined ? { page: 0, last: undefined } : positionOf(cursor);
    const start = last === undefined ? 0 : sorted.findIndex((item) => item > last);
    const from = start < 0 ? sorted.length : start;
    const items = sorted.slice(from, from + sizeOf(page));
    if (from + items.length >= sorted.length) return { items };
    const after = items.at(-1) ?? last;
    return { items, cursor: after === undefined ? `${page + 1}` : `${page + 1} after ${after}` };
  };
  const entriesOf = (bucket: string): Map<string, Uint8Array<ArrayBuffer>> => {
    const entries = data.get(bucket) ?? new Map<string, Uint8Array<ArrayBuffer>>();
    data.set(bucket, entries);
    return entries;
  };
  /** Deletes the expired keys of a bucket and returns the others. */
  const currentOf = (bucket: string): Map<string, Uint8Array<ArrayBuffer>> => {
    const entries = entriesOf(bucket);
    for (const [key, value] of entries) if (isExpired(value)) entries.delete(key);
    return entries;
  };
  const read = (bucket: string, key: string): Uint8Array<ArrayBuffer> | undefined => {
    const value = data.get(bucket)?.get(key);
    return value && isExpired(value) ? undefined : value;
  };
  const store = (bucket: string, key: string, value: Uint8Array, expiry: number | undefined): void => {
    const stored = new Uint8Array(value);
    if (expiry !== undefined) expiries.set(stored, expiry);
    entriesOf(bucket).set(key, stored);
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
      return { values: keys.map((key) => read(bucket, key)?.slice()) };
    },
    async exists({ bucket, keys }) {
      return { values: keys.map((key) => read(bucket, key) !== undefined) };
    },
    async set({ bucket, keys, values, ttls }) {
      await letOthersRun();
      for (const [index, key] of keys.entries())
        store(bucket, key, values[index] as Uint8Array, expiryAfter(ttls?.[index]));
      return allDone;
    },
    async setIfAbsent({ bucket, keys, values, ttls }) {
      const faults: ItemFault[] = [];
      for (const [index, key] of keys.entries()) {
        if (read(bucket, key) !== undefined) faults.push({ ...keyExists, index });
        else store(bucket, key, values[index] as Uint8Array, expiryAfter(ttls?.[index]));
      }
      return { faults };
    },
    async ttl({ bucket, keys }) {
      const values = keys.map((key) => {
        const value = read(bucket, key);
        const expiry = value && expiries.get(value);
        return expiry === undefined ? value && null : Math.max(1, expiry - Date.now());
      });
      return { values };
    },
    async increment({ bucket, key, delta, ttl }) {
      await letOthersRun();
      const stored = read(bucket, key);
      const sum = addToInteger(stored, delta);
      const expiry = stored === undefined ? expiryAfter(ttl) : expiries.get(stored);
      store(bucket, key, new TextEncoder().encode(String(sum)), expiry);
      return sum;
    },
    async compareAndSwap({ bucket, key, expected, value }) {
      const current = read(bucket, key);
      if (!areEqual(current, expected)) return { swapped: false, current: current?.slice() };
      if (value === undefined) entriesOf(bucket).delete(key);
      else store(bucket, key, value, current && expiries.get(current));
      return { swapped: true };
    },
    async delete({ bucket, keys }) {
      const entries = entriesOf(bucket);
      for (const key of keys) entries.delete(key);
      return allDone;
    },
    async list({ bucket, prefix, cursor }) {
      await letOthersRun();
      const { items: keys, ...rest } = pageOf(
        [...currentOf(bucket).keys()].filter((key) => key.startsWith(prefix)).sort(),
        cursor,
      );
      return { keys, ...rest };
    },
    async listBuckets({ cursor }) {
      await letOthersRun();
      const { items: buckets, ...rest } = pageOf(
        [...data.keys()].filter((bucket) => currentOf(bucket).size > 0).sort(),
        cursor,
      );
      return { buckets, ...rest };
    },
    async sweep() {
      const count = (): number => [...data.values()].reduce((sum, { size }) => sum + size, 0);
      const before = count();
      for (const bucket of data.keys()) currentOf(bucket);
      return { swept: before - count(), done: true };
    },
    async close() {},
    classify: (error): Fault =>
      error instanceof BadCursor
        ? { code: "invalid-argument", retryable: false, effect: "none" }
        : { code: "internal", retryable: false, effect: "unknown" },
  };
}

function expiryAfter(ttl: number | undefined): number | undefined {
  return ttl === undefined ? undefined : Date.now() + ttl;
}

function isExpired(value: Uint8Array): boolean {
  const expiry = expiries.get(value);
  // `Date.now()` is rounded down, so in the millisecond of the expiry the time may not have passed.
  return expiry !== undefined && expiry < Date.now();
}

function areEqual(left: Uint8Array | undefined, right: Uint8Array | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return Buffer.compare(left, right) === 0;
}

class BadCursor extends Error {}

function positionOf(cursor: string): { page: number; last: string | undefined } {
  const [, page, last] = /^(\d+)(?: after (.*))?$/s.exec(cursor) ?? [];
  if (page === undefined) throw new BadCursor();
  return { page: Number(page), last };
}
