import { type Bucket, type Store, StoreError } from "@manykv/core";
import { openStore } from "../open-store/open-store.js";
import { CommandError } from "./command-error.js";
import { type ExitCode, exitCode } from "./exit-code.js";
import { Interrupt } from "./interrupt.js";
import type { BucketFlags, StoreFlags } from "./options.js";

/**
 * Opens the store that the options name, uses it, and closes it. An error is not held back until the store is closed, which
 * takes its time where a server is silent; the process ends once it is.
 */
export async function withStore<Result>(
  flags: StoreFlags,
  use: (store: Store) => Promise<Result>,
): Promise<Result> {
  if (flags.store === undefined || flags.store === "") {
    throw new CommandError(
      exitCode.usage,
      "no store given: set MANYKV_STORE or pass --store, for example --store redis://localhost:6379",
    );
  }
  const store = await openStore(flags.store, { timeout: flags.timeout });
  let result: Result;
  try {
    result = await use(store);
  } catch (error) {
    // What is wrong with closing, too, is of no interest then.
    store.close().catch(() => {});
    throw error;
  }
  await store.close();
  return result;
}

/** As {@link withStore}, with the bucket that the options name. An error after an interrupt is just its consequence. */
export async function withBucket(
  flags: BucketFlags,
  use: (bucket: Bucket, interrupt: Interrupt) => Promise<ExitCode>,
): Promise<ExitCode> {
  using interrupt = new Interrupt();
  try {
    return await withStore(flags, async (store) => use(await openBucket(store, flags.bucket), interrupt));
  } catch (error) {
    if (interrupt.exitCode !== undefined) return interrupt.exitCode;
    throw error;
  }
}

/** Opening sends nothing: it fails for a name alone that no bucket can have. */
async function openBucket(store: Store, name: string): Promise<Bucket> {
  try {
    return await store.open(name);
  } catch (error) {
    if (!StoreError.is(error) || error.code !== "no-such-store") throw error;
    throw new CommandError(exitCode.usage, error.message);
  }
}
