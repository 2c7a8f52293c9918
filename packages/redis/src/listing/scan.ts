import { FaultError } from "../fault-error.js";
import { bucketPattern, bucketPrefix, keyOfName } from "../keys.js";
import { encodeCommand } from "../protocol/encode-command.js";
import type { Reply } from "../protocol/exchange.js";
import { textOf } from "../replies.js";

/** How many names a `SCAN` looks at, the bucket's and others: about half a millisecond of the server's time. */
const count = "1000";

export function encodeScan(bucket: string, cursor: string): Buffer {
  return encodeCommand("SCAN", cursor, "MATCH", bucketPattern(bucket), "COUNT", count);
}

/** A page of a bucket's keys; the cursor `0` says that it is the last. */
export interface ScanPage {
  readonly keys: readonly string[];
  readonly cursor: string;
}

/** The keys of a reply to {@link encodeScan}. Names that no bucket of ours can have written are left out. */
export function keysOfScan(bucket: string, reply: Reply | undefined): ScanPage {
  const [cursor, names] = Array.isArray(reply) ? (reply as readonly Reply[]) : [];
  if (!(cursor instanceof Uint8Array) || !Array.isArray(names)) throw unexpected();
  const prefix = bucketPrefix(bucket);
  const keys: string[] = [];
  for (const name of names as readonly Reply[]) {
    if (!(name instanceof Uint8Array)) throw unexpected();
    const key = keyOfName(name, prefix);
    if (key !== undefined) keys.push(key);
  }
  return { keys, cursor: textOf(cursor) as string };
}

function unexpected(): FaultError {
  return new FaultError({
    code: "internal",
    retryable: false,
    effect: "none",
    reason: "unexpected reply",
  });
}
