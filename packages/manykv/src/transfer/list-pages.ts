import type { Bucket, CallOptions } from "@manykv/core";

/** A bucket's keys, a page at a time. A key may come twice. */
export async function* listPages(
  bucket: Bucket,
  prefix: string,
  options: CallOptions,
): AsyncGenerator<string[]> {
  let cursor: string | undefined;
  do {
    const page = await bucket.listKeys(cursor, options);
    yield prefix === "" ? page.keys : page.keys.filter((key) => key.startsWith(prefix));
    cursor = page.cursor;
  } while (cursor !== undefined);
}
