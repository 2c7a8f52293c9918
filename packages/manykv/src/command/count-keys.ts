import type { Bucket } from "@manykv/core";
import { listPages } from "../transfer/read-values.js";
import type { OutputFlags } from "./options.js";
import { Progress } from "./terminal.js";

/** Returns how many keys the store lists. */
export async function countKeys(
  bucket: Bucket,
  prefix: string | undefined,
  stop: AbortSignal,
  flags: OutputFlags,
): Promise<number> {
  const progress = await Progress.start("counting", flags);
  let count = 0;
  try {
    for await (const keys of listPages(bucket, prefix, { signal: stop })) {
      count += keys.length;
      progress.update(count);
    }
  } finally {
    progress.stop();
  }
  return count;
}
