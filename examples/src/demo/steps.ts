import type { Bucket, Entry } from "@manykv/core";

/** The name of one step of the demo, its amount of work and its duration. */
export interface StepResult {
  readonly name: string;
  readonly records: number;
  readonly bytes: number;
  readonly calls: number;
  /** Duration in milliseconds. */
  readonly time: number;
}

const batchSize = 5_000;

export async function setAll(bucket: Bucket, entries: readonly Entry[]): Promise<StepResult> {
  const startedAt = performance.now();
  let calls = 0;
  for (const batch of batchesOf(entries)) {
    await bucket.setMany(batch);
    calls++;
  }
  return { name: "set", records: entries.length, bytes: bytesOf(entries), calls, time: since(startedAt) };
}

export async function deleteAll(bucket: Bucket, name: string, entries: readonly Entry[]): Promise<StepResult> {
  const startedAt = performance.now();
  let calls = 0;
  for (const batch of batchesOf(entries)) {
    await bucket.deleteMany(batch.map(([key]) => key));
    calls++;
  }
  return { name, records: entries.length, bytes: 0, calls, time: since(startedAt) };
}

/** Reads all keys. Throws if a value of `present` differs or is out of order, or if a key of `absent` exists. */
export async function readAndCompare(
  bucket: Bucket,
  name: string,
  present: readonly Entry[],
  absent: readonly Entry[],
): Promise<StepResult> {
  const startedAt = performance.now();
  let calls = 0;
  for (const batch of batchesOf(present)) {
    const found = await bucket.getMany(batch.map(([key]) => key));
    calls++;
    for (const [index, [key, value]] of batch.entries()) {
      const record = found[index];
      if (record?.[0] !== key || Buffer.compare(record[1], value) !== 0)
        throw new Error(`${key} does not have the value that was set`);
    }
  }
  for (const batch of batchesOf(absent)) {
    const found = await bucket.getMany(batch.map(([key]) => key));
    calls++;
    const left = found.find((record) => record !== undefined);
    if (left !== undefined) throw new Error(`${left[0]} was deleted but still exists`);
  }
  return {
    name,
    records: present.length + absent.length,
    bytes: bytesOf(present),
    calls,
    time: since(startedAt),
  };
}

function* batchesOf(entries: readonly Entry[]): Generator<readonly Entry[]> {
  for (let start = 0; start < entries.length; start += batchSize) yield entries.slice(start, start + batchSize);
}

function bytesOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, [, value]) => sum + value.length, 0);
}

function since(startedAt: number): number {
  return performance.now() - startedAt;
}
