import type { Bucket } from "@manykv/core";
import { listPages } from "../transfer/read-values.js";
import { Progress } from "./terminal.js";

/** Returns how many keys the store lists. */
export async function countKeys(bucket: Bucket, prefix: string | undefined, stop: AbortSignal): Promise<number> {
  const progress = await Progress.start("counting");
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
