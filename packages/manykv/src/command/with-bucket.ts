import type { Bucket, Store } from "@manykv/core";
import { openStore } from "../open-store/open-store.js";
import { CommandError } from "./command-error.js";
import { exitCode } from "./exit-code.js";
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
  const store = await openStore(flags.store, flags.timeout === undefined ? {} : { timeout: flags.timeout });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

/** As {@link withStore}, with the bucket that the options name. */
export function withBucket<Result>(
  flags: BucketFlags,
  use: (bucket: Bucket) => Promise<Result>,
): Promise<Result> {
  return withStore(flags, async (store) => use(await store.open(flags.bucket)));
}
