import type { ListAnswer, ListRequest } from "@manykv/core";
import { decodeCursor, encodeCursor } from "../listing/cursor-text.js";
import { encodeScan, keysOfScan } from "../listing/scan.js";
import { parseScanCursor, parseWord, type ScanPosition } from "../listing/scan-position.js";
import type { Reply } from "../protocol/exchange.js";

/**
 * One page: one `SCAN`. A full iteration gives every key that was there from start to end; its cursor counts through the
 * hash table of one process, so that a listing which meets another process starts over.
 * https://redis.io/docs/latest/commands/scan/#scan-guarantees
 */
export async function listStandalone(
  { bucket, cursor }: ListRequest,
  process: string | undefined,
  send: (bytes: Buffer) => Promise<readonly Reply[]>,
): Promise<ListAnswer> {
  const position = cursor === undefined ? undefined : parse(bucket, cursor);
  const same = position !== undefined && position.process === process;
  const [reply] = await send(encodeScan(bucket, same ? position.cursor : "0"));
  const page = keysOfScan(bucket, reply);
  if (page.cursor === "0") return { keys: page.keys };
  return { keys: page.keys, cursor: encodeCursor(bucket, { process, cursor: page.cursor }) };
}

function parse(bucket: string, text: string): ScanPosition {
  const { process, cursor } = decodeCursor(bucket, text);
  return { process: parseWord(process), cursor: parseScanCursor(cursor) };
}
