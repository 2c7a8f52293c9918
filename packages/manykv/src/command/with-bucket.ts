import type { Bucket, Store } from "@manykv/core";
import { openStore } from "../open-store/open-store.js";
import { CommandError } from "./command-error.js";
import { type ExitCode, exitCode } from "./exit-code.js";
import { Interrupt } from "./interrupt.js";
import type { BucketFlags, StoreFlags } from "./options.js";

/** Opens the store that the options name, uses it, and closes it. */
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
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

/** As {@link withStore}, with the bucket that the options name. An error after an interrupt is just its consequence. */
export async function withBucket(
  flags: BucketFlags,
  use: (bucket: Bucket, interrupt: Interrupt) => Promise<ExitCode>,
): Promise<ExitCode> {
  using interrupt = new Interrupt();
  try {
    return await withStore(flags, async (store) => use(await store.open(flags.bucket), interrupt));
  } catch (error) {
    if (interrupt.exitCode !== undefined) return interrupt.exitCode;
    throw error;
  }
}
