import type { Bucket, CallOptions, Entry, KeyPage, KeyValue, Store } from "@manykv/core";

/** Yields the keys of a bucket that start with `prefix`, page by page. A key may occur more than once. */
export async function* listPages(
  bucket: Pick<Bucket, "listKeys">,
  prefix: string | undefined,
  options: CallOptions,
): AsyncGenerator<string[]> {
  for await (const { keys } of listFrom(undefined, bucket, prefix, options)) yield keys;
}

/** Like {@link listPages}, but starts at a cursor of an earlier listing, and yields the cursor of each next page. */
export async function* listFrom(
  start: string | undefined,
  bucket: Pick<Bucket, "listKeys">,
  prefix: string | undefined,
  options: CallOptions,
): AsyncGenerator<KeyPage> {
  let cursor = start;
  do {
    const page = await bucket.listKeys({ prefix, cursor, ...options });
    yield page;
    cursor = page.cursor;
  } while (cursor !== undefined);
}

/** Reads the records of keys. Returns one result per key: `undefined` if the key does not exist. */
export type ReadRecords = (keys: readonly string[]) => Promise<readonly (Entry | undefined)[]>;

/**
 * Returns a function that reads records with their remaining time to live. If keys of the store cannot expire, the function
 * reads only values. A key that expires between the two reads counts as missing.
 */
export async function recordReader(
  store: Pick<Store, "describe">,
  bucket: Pick<Bucket, "getMany" | "ttlMany">,
  calls: CallOptions,
): Promise<ReadRecords> {
  const { abilities } = await store.describe(calls);
  if (!abilities.ttl) return (keys) => bucket.getMany(keys, calls);
  return async (keys) => {
    const [records, ttls] = await Promise.all([bucket.getMany(keys, calls), bucket.ttlMany(keys, calls)]);
    return records.map((record, index) => withTtl(record, ttls[index]));
  };
}

function withTtl(record: KeyValue | undefined, ttl: number | null | undefined): Entry | undefined {
  if (record === undefined || ttl === undefined) return undefined;
  // The engine may round the last millisecond down to 0, which no store accepts.
  return ttl === null ? record : [...record, { ttl: Math.max(ttl, 1) }];
}

export interface ReadOptions {
  readonly read: ReadRecords;
  /** Maximum number of keys in one batch. Batches of large values have fewer keys. */
  readonly batchSize: number;
}

export interface BatchOptions<Read> {
  /** Reads something for each key. */
  readonly read: (keys: readonly string[]) => Promise<readonly (Read | undefined)[]>;
  readonly bytesOf: (record: Read) => number;
  readonly batchSize: number;
}

/** `records[i]` is the record of `keys[i]`, or `undefined` if the key is missing. */
export interface ReadBatch<Read = Entry> {
  readonly keys: readonly string[];
  readonly records: readonly (Read | undefined)[];
}

/** Target size of a batch in bytes. The size of values is unknown until they arrive, so the first batches are small. */
const targetBatchBytes = 4 * 1024 * 1024;
const firstBatchSize = 4;

/** Reads the values of keys in batches, in order. Reads the next batch while the caller uses the current one. */
export function readValues(keys: AsyncIterable<readonly string[]>, options: ReadOptions): AsyncGenerator<ReadBatch> {
  return readBatches(keys, { ...options, bytesOf: ([, value]: Entry) => value.length });
}

/** Like {@link readValues}, for anything that is read for each key. */
export async function* readBatches<Read>(
  keys: AsyncIterable<readonly string[]>,
  options: BatchOptions<Read>,
): AsyncGenerator<ReadBatch<Read>> {
  let size = Math.min(firstBatchSize, options.batchSize);
  let next: Promise<ReadBatch<Read>> | undefined;
  for await (const batch of split(keys, () => size)) {
    const current = next;
    next = readBatch(batch, options);
    // `next` is awaited later or never. Without this handler, an earlier rejection would end the process.
    next.catch(() => {});
    if (current === undefined) continue;
    const settled = await current;
    size = nextSize(settled, options);
    yield settled;
  }
  if (next !== undefined) yield await next;
}

async function readBatch<Read>(keys: readonly string[], options: BatchOptions<Read>): Promise<ReadBatch<Read>> {
  return { keys, records: await options.read(keys) };
}

function nextSize<Read>({ keys, records }: ReadBatch<Read>, { bytesOf, batchSize }: BatchOptions<Read>): number {
  const bytes = records.reduce((sum, record) => sum + (record === undefined ? 0 : bytesOf(record)), 0);
  const fitting = Math.floor((targetBatchBytes * keys.length) / Math.max(bytes, 1));
  return Math.max(1, Math.min(batchSize, keys.length * 4, fitting));
}

async function* split(pages: AsyncIterable<readonly string[]>, size: () => number): AsyncGenerator<readonly string[]> {
  let rest: readonly string[] = [];
  for await (const page of pages) {
    rest = rest.length === 0 ? page : [...rest, ...page];
    let start = 0;
    for (let end = size(); end <= rest.length; end = start + size()) {
      yield rest.slice(start, end);
      start = end;
    }
    rest = rest.slice(start);
  }
  for (let start = 0; start < rest.length; ) {
    const end = start + size();
    yield rest.slice(start, end);
    start = end;
  }
}
