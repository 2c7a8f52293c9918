import type { KeyValue } from "@manykv/core";

export interface ReadOptions {
  /** Reads one batch, as `getMany` does. */
  readonly read: (keys: readonly string[]) => Promise<(KeyValue | undefined)[]>;
  /** Most keys in one batch. Batches are smaller where values are large. */
  readonly batchSize: number;
}

/** The keys of a batch, and at each key's place its record, or `undefined` where there is none. */
export interface ReadBatch {
  readonly keys: readonly string[];
  readonly records: readonly (KeyValue | undefined)[];
}

/** Sizes of values are known only when they are there, so batches start small and grow while they stay below this. */
const wantedBatchBytes = 4 * 1024 * 1024;
const firstBatchSize = 4;

/** Reads the values of keys in batches, in order. While one batch is used, the next one is under way. */
export async function* readValues(
  keys: AsyncIterable<readonly string[]>,
  options: ReadOptions,
): AsyncGenerator<ReadBatch> {
  let size = Math.min(firstBatchSize, options.batchSize);
  let underWay: Promise<ReadBatch> | undefined;
  for await (const batch of cut(keys, () => size)) {
    const before = underWay;
    underWay = readBatch(batch, options);
    // Awaited later, maybe never: until then its failure must not end the process as unhandled.
    underWay.catch(() => {});
    if (before === undefined) continue;
    const settled = await before;
    size = nextSize(settled, options.batchSize);
    yield settled;
  }
  if (underWay !== undefined) yield await underWay;
}

async function readBatch(keys: readonly string[], options: ReadOptions): Promise<ReadBatch> {
  return { keys, records: await options.read(keys) };
}

function nextSize({ keys, records }: ReadBatch, batchSize: number): number {
  const bytes = records.reduce((sum, record) => sum + (record?.[1].length ?? 0), 0);
  const fitting = Math.floor((wantedBatchBytes * keys.length) / Math.max(bytes, 1));
  return Math.max(1, Math.min(batchSize, keys.length * 4, fitting));
}

async function* cut(
  pages: AsyncIterable<readonly string[]>,
  size: () => number,
): AsyncGenerator<readonly string[]> {
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
