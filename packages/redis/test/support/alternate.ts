import type { Bucket } from "@manykv/core";

/** Lists the keys of a bucket with two clients, which alternate after each page. Returns the listed keys. */
export async function alternate(buckets: readonly [Bucket, Bucket]): Promise<Set<string>> {
  const listed = new Set<string>();
  let cursor: string | undefined;
  for (let page = 0; ; page++) {
    const answer = await (page % 2 === 0 ? buckets[0] : buckets[1]).listKeys({ cursor });
    for (const key of answer.keys) listed.add(key);
    cursor = answer.cursor;
    if (cursor === undefined) return listed;
  }
}
