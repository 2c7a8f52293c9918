import { type Bucket, type Store, StoreError } from "@manykv/core";
import { CommandError, type ExitCode, exitCode } from "./errors.js";
import { type Interrupt, interrupt } from "./interrupt.js";
import { openUrl } from "./open-url.js";
import type { BucketFlags, StoreFlags } from "./options.js";
import { unlessAborted } from "./unless-aborted.js";

/**
 * Opens the store that the options name, runs `use` and closes the store. If `use` rejects, `withStore` rejects without
 * waiting until the store is closed, which takes time if the server hangs.
 */
export async function withStore<Result>(
  flags: StoreFlags,
  use: (store: Store, interrupt: Interrupt) => Promise<Result>,
): Promise<Result> {
  if (flags.store === undefined || flags.store === "") {
    throw new CommandError(
      exitCode.usage,
      "no store URL: set MANYKV_STORE or pass --store, for example --store redis://localhost:6379",
    );
  }
  // Node.js replaces bytes of an environment variable that are not UTF-8 with U+FFFD.
  if (flags.store.includes("\ufffd"))
    throw new CommandError(exitCode.usage, "the store URL is not UTF-8: percent-encode its special characters");
  const store = await openUrl(flags.store, flags);
  let result: Result;
  try {
    result = await use(store, interrupt);
  } catch (error) {
    // Report only the first error, even if closing also fails.
    store.close().catch(() => {});
    throw error;
  }
  await closeStore(store);
  return result;
}

/** Closes the store. After a signal, returns without waiting until the store is closed. */
async function closeStore(store: Store): Promise<void> {
  try {
    await unlessAborted(interrupt.stop, store.close());
  } catch (error) {
    if (!interrupt.stop.aborted) throw error;
  }
}

/** Opens the bucket of the options and runs `use`. */
export function withBucket(
  flags: BucketFlags,
  use: (bucket: Bucket, interrupt: Interrupt, store: Store) => Promise<ExitCode>,
): Promise<ExitCode> {
  return withStore(flags, async (store) => use(await openBucket(store, flags.bucket), interrupt, store));
}

/** Opens a bucket. This sends no request, so it fails only if the name is invalid. */
export async function openBucket(store: Store, name: string): Promise<Bucket> {
  try {
    return await store.open(name);
  } catch (error) {
    if (!StoreError.is(error) || error.code !== "no-such-store") throw error;
    throw new CommandError(exitCode.usage, error.message);
  }
}
