import assert from "node:assert/strict";
import type { Bucket, CallOptions } from "@manykv/core";

/**
 * Lists all keys of a bucket page by page, because any page may be empty. Returns the keys, sorted and without
 * duplicates. Fails if the listing has more than 100,000 pages.
 */
export async function listed(bucket: Bucket, options: CallOptions = {}): Promise<string[]> {
  const keys = new Set<string>();
  let cursor: string | undefined;
  for (let pages = 0; pages < 100_000; pages++) {
    const page = await bucket.listKeys({ ...options, cursor });
    for (const key of page.keys) keys.add(key);
    if (page.cursor === undefined) return [...keys].sort();
    cursor = page.cursor;
  }
  return assert.fail("the listing must end within 100,000 pages");
}
