import { StoreError } from "../errors.js";

/**
 * Yields the pages of a listing until one has no cursor.
 *
 * @throws {StoreError} `internal` if the backend repeats a cursor, because the listing would never end.
 */
export async function* pagesOf<Page extends { readonly cursor?: string | undefined }>(
  fetchPage: (cursor: string | undefined) => Promise<Page>,
): AsyncGenerator<Page, void, undefined> {
  let cursor: string | undefined;
  // Brent's algorithm: finds any cycle of cursors, but keeps only one of them.
  let earlier: string | undefined;
  for (let number = 1, keepAt = 1; ; number++) {
    const page = await fetchPage(cursor);
    yield page;
    cursor = page.cursor;
    if (cursor === undefined) return;
    if (cursor === earlier) throw new StoreError("internal", endless);
    if (number === keepAt) {
      earlier = cursor;
      keepAt *= 2;
    }
  }
}

const endless =
  "the backend returned the same cursor twice, so the listing would never end: check the server and the proxies";
