import assert from "node:assert/strict";
import type { Bucket, CallOptions, Store } from "@manykv/core";

/** Number of pages in a row that may contain only keys of earlier pages. */
const mostRepeatedPages = 200;

/**
 * Lists all keys of a bucket with `listKeys`, page by page, because any page may be empty. Returns the keys, sorted and
 * without duplicates. Fails if the listing has more than 100,000 pages or returns the same keys again and again.
 */
export async function listed(
  bucket: Pick<Bucket, "listKeys">,
  options: CallOptions & { prefix?: string } = {},
): Promise<string[]> {
  const keys = new Set<string>();
  let cursor: string | undefined;
  let repeated = 0;
  for (let pages = 0; pages < 100_000; pages++) {
    const page = await bucket.listKeys({ ...options, cursor });
    const { size } = keys;
    for (const key of page.keys) keys.add(key);
    repeated = page.keys.length > 0 && keys.size === size ? repeated + 1 : 0;
    assert.ok(repeated <= mostRepeatedPages, "the listing must end, but returns the same keys again and again");
    if (page.cursor === undefined) return [...keys].sort();
    cursor = page.cursor;
  }
  return assert.fail("the listing must end within 100,000 pages");
}

/** Timeout of a `clear`, in milliseconds. Long, because the engine may search all keys of a large shared server. */
export const clearTimeout = 60_000;

/** Returns the keys that `keys()` yields, sorted and without duplicates. */
export async function keysIn(bucket: Bucket, prefix?: string): Promise<string[]> {
  const found = new Set<string>();
  for await (const key of bucket.keys({ prefix })) found.add(key);
  return [...found].sort();
}

/**
 * Returns the keys that `keys()` yields for each prefix. Lists them concurrently: if an engine searches all keys of a
 * large shared server, each listing takes a while.
 */
export function keysWithPrefixes(bucket: Bucket, prefixes: readonly string[]): Promise<string[][]> {
  return Promise.all(prefixes.map((prefix) => keysIn(bucket, prefix)));
}

/** Returns the names that `buckets()` yields. */
export async function bucketsIn(store: Store): Promise<string[]> {
  const names: string[] = [];
  for await (const name of store.buckets()) names.push(name);
  return names;
}
