import { type Bucket, type Store, StoreError } from "@manykv/core";
import { openStore } from "../open-store.js";
import { CommandError, type ExitCode, exitCode } from "./errors.js";
import type { BucketFlags, StoreFlags } from "./options.js";

/**
 * Opens the store that the options name, runs `use` and closes the store. If `use` rejects, `withStore` rejects without
 * waiting for the close, which takes time if the server hangs. The process ends after the store is closed.
 */
export async function withStore<Result>(flags: StoreFlags, use: (store: Store) => Promise<Result>): Promise<Result> {
  if (flags.store === undefined || flags.store === "") {
    throw new CommandError(
      exitCode.usage,
      "no store URL: set MANYKV_STORE or pass --store, for example --store redis://localhost:6379",
    );
  }
  // Node.js replaces bytes of an environment variable that are not UTF-8.
  if (flags.store.includes("\ufffd"))
    throw new CommandError(exitCode.usage, "the store URL is not UTF-8: Percent-encode its special characters");
  const store = await openStore(flags.store, { timeout: flags.timeout });
  let result: Result;
  try {
    result = await use(store);
  } catch (error) {
    // Report only the first error, even if closing also fails.
    store.close().catch(() => {});
    throw error;
  }
  await store.close();
  return result;
}

/** Opens the bucket of the options and runs `use`. If `use` rejects after a signal, returns the signal's exit code. */
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

/** Opens a bucket. This sends no request, so it fails only if the name is invalid. */
async function openBucket(store: Store, name: string): Promise<Bucket> {
  try {
    return await store.open(name);
  } catch (error) {
    if (!StoreError.is(error) || error.code !== "no-such-store") throw error;
    throw new CommandError(exitCode.usage, error.message);
  }
}

/** Time for calls in flight to settle after the first signal. Most calls need less, so few outcomes are unknown. */
const graceMilliseconds = 2000;

/**
 * Handles SIGINT and SIGTERM. The first signal stops reading and sending, and calls in flight have 2 seconds to settle.
 * The second signal, or the end of this time, aborts them. A third signal ends the process.
 */
export class Interrupt implements Disposable {
  readonly #stop = new AbortController();
  readonly #abort = new AbortController();
  readonly #listener = (signal: NodeJS.Signals): void => this.#onSignal(signal);
  #grace: NodeJS.Timeout | undefined;
  /** Set after the first signal. */
  exitCode: ExitCode | undefined;

  constructor() {
    process.on("SIGINT", this.#listener);
    process.on("SIGTERM", this.#listener);
  }

  /** Aborted when no more input may be read and no more calls may start. */
  get stop(): AbortSignal {
    return this.#stop.signal;
  }

  /** Aborted when calls in flight must end at once. */
  get abort(): AbortSignal {
    return this.#abort.signal;
  }

  [Symbol.dispose](): void {
    this.#stopListening();
    clearTimeout(this.#grace);
  }

  #stopListening(): void {
    process.off("SIGINT", this.#listener);
    process.off("SIGTERM", this.#listener);
  }

  #onSignal(signal: NodeJS.Signals): void {
    if (this.#stop.signal.aborted) {
      this.#stopListening();
      this.#abort.abort();
      return;
    }
    this.exitCode = signal === "SIGINT" ? exitCode.interrupted : exitCode.terminated;
    this.#grace = setTimeout(() => this.#abort.abort(), graceMilliseconds);
    this.#stop.abort();
  }
}
