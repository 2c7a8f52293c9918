import type { ListAnswer, ListRequest } from "@manykv/core";
import type { Connection } from "../connection/connection.js";
import { decodeCursor, encodeCursor } from "../listing/cursor-text.js";
import { fillPage } from "../listing/fill-page.js";
import { encodeScan, keysOfScan } from "../listing/scan.js";
import { parseScanCursor, parseWord, type ScanPosition } from "../listing/scan-position.js";
import type { Reply } from "../protocol/exchange.js";

/**
 * One page. A full iteration of `SCAN` gives every key that was there from its start to its end; its cursor counts
 * through the hash table of one process, so a listing that meets another process starts over.
 * https://redis.io/docs/latest/commands/scan/#scan-guarantees
 */
export async function listStandalone(
  request: ListRequest,
  { identity }: Connection,
  send: (bytes: Buffer) => Promise<readonly Reply[]>,
): Promise<ListAnswer> {
  const { bucket, cursor: text } = request;
  const process = identity.runId;
  const position = text === undefined ? undefined : parse(bucket, text);
  let cursor = position?.process === process ? (position?.cursor ?? "0") : "0";
  const { keys, done } = await fillPage(request, async () => {
    const [reply] = await send(encodeScan(bucket, cursor));
    const scanned = keysOfScan(bucket, reply);
    cursor = scanned.cursor;
    return { keys: scanned.keys, done: cursor === "0" };
  });
  return done ? { keys } : { keys, cursor: encodeCursor(bucket, { process, cursor }) };
}

function parse(bucket: string, text: string): ScanPosition {
  const { process, cursor } = decodeCursor(bucket, text);
  return { process: parseWord(process), cursor: parseScanCursor(cursor) };
}
