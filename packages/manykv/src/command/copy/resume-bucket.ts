import { StoreError } from "@manykv/core";
import { listPages } from "../../transfer/read-values.js";
import type { NamedBucket } from "../store-pair.js";
import { printMessage } from "../terminal.js";
import type { BucketProgress } from "./journal.js";

export interface Resumed extends BucketProgress {
  /** Whether the listing starts over, so that records that are already in the target need not be written again. */
  readonly startsOver: boolean;
}

export interface ResumeOptions {
  readonly from: NamedBucket;
  readonly to: NamedBucket;
  /** What the journal says. */
  readonly earlier: BucketProgress;
  readonly prefix: string | undefined;
  readonly stop: AbortSignal;
}

/** Returns where to continue with a bucket. Checks that the journal still describes the two stores. */
export async function resumeBucket(bucket: string, options: ResumeOptions): Promise<Resumed> {
  const { earlier } = options;
  const name = JSON.stringify(bucket);
  if (earlier.copied > 0 && !(await hasKeys(options))) {
    printMessage(`TO no longer has the records that an earlier run copied: copying the bucket ${name} again`);
    return { done: false, copied: 0, startsOver: false };
  }
  if (earlier.cursor !== undefined && !(await acceptsCursor(options, earlier.cursor))) {
    printMessage(`FROM cannot continue its listing: comparing the bucket ${name} from the start`);
    return { done: false, copied: earlier.copied, startsOver: true };
  }
  return { ...earlier, startsOver: false };
}

async function hasKeys({ to, prefix, stop }: ResumeOptions): Promise<boolean> {
  for await (const keys of listPages(to, prefix, { signal: stop })) if (keys.length > 0) return true;
  return false;
}

/**
 * Returns whether the source can continue a listing of an earlier run. Core requires that every client of the store accepts a
 * cursor, and that a continued listing misses no key (S14). A store of another version, or a Redis that reports no run id,
 * may still reject it.
 */
async function acceptsCursor({ from, prefix, stop }: ResumeOptions, cursor: string): Promise<boolean> {
  try {
    await from.listKeys({ cursor, prefix, signal: stop });
    return true;
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (StoreError.is(cause) && (cause.code === "invalid-argument" || isFinal(cause))) return false;
    throw error;
  }
}

function isFinal({ code, retryable }: StoreError): boolean {
  return code === "unavailable" && !retryable;
}
