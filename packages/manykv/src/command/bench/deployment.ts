import { randomBytes } from "node:crypto";
import { BatchError, type Bucket, type KeyValue, type Store, type StoreDescription } from "@manykv/core";
import { elapsed } from "@manykv/measure";
import { CommandError, describeError, type ExitCode, exitCode } from "../errors.js";
import type { Interrupt } from "../interrupt.js";
import { openUrl } from "../open-url.js";
import type { ClientFlags } from "../options.js";
import { withName } from "../store-pair.js";
import { formatCount, printMessage } from "../terminal.js";
import { unlessAborted } from "../unless-aborted.js";
import type { Operation } from "./result.js";
import type { KeyAndValue, Workload } from "./workload.js";

/** How keys are sent: in batches, or by a call for each key, all at the same time. */
export type Method = "batch" | "single";

export interface OpenFlags extends ClientFlags {
  readonly provision?: boolean;
}

/** A store to measure, and the bucket that the run uses in it. */
export class Deployment {
  readonly name: string;
  readonly description: StoreDescription;
  /** Number of keys of complete rounds. */
  keysWritten = 0;
  readonly #store: Store;
  readonly #bucket: Bucket;
  /** The keys that the store may contain. */
  #keys: readonly string[] = [];

  private constructor(name: string, store: Store, bucket: Bucket, description: StoreDescription) {
    this.name = name;
    this.#store = store;
    this.#bucket = bucket;
    this.description = description;
  }

  /** Opens a store. Rejects if it cannot be used, for example because its table is missing. */
  static open(
    { url, name, bucketName }: { readonly url: string; readonly name: string; readonly bucketName: string },
    flags: OpenFlags,
    stop: AbortSignal,
  ): Promise<Deployment> {
    return withName(name, async () => {
      const store = await openUrl(url, flags);
      try {
        if (flags.provision) await unlessAborted(stop, store.provision());
        const bucket = await store.open(bucketName);
        await bucket.exists("", { signal: stop });
        return new Deployment(name, store, bucket, await store.describe({ signal: stop }));
      } catch (error) {
        store.close().catch(() => {});
        throw error;
      }
    });
  }

  /** Sends the cheapest request, which reads a key that does not exist. Returns its time in milliseconds. */
  measureRoundTrip(): Promise<number> {
    return withName(this.name, async () => {
      let found: unknown;
      const time = await elapsed(async () => {
        found = await this.#bucket.get("missing");
      });
      if (found !== undefined) throw wrongAnswer("get returned a value for a key that does not exist");
      return time;
    });
  }

  /**
   * Sends the keys of a round. Returns the milliseconds until the last key was answered. Throws if a call fails or returns a
   * wrong value. Checks are not part of the time.
   */
  measure(workload: Workload, method: Method, operation: Operation): Promise<number> {
    return withName(this.name, async () => {
      if (operation === "set") this.#keys = workload.keys;
      let answers: readonly unknown[] = [];
      const time = await elapsed(async () => {
        answers = await allSettled(this.#send(workload, method, operation));
      });
      if (operation === "get") checkAnswers(answers, workload, method);
      return time;
    });
  }

  #send({ batches, singles }: Workload, method: Method, operation: Operation): Promise<unknown>[] {
    const bucket = this.#bucket;
    if (method === "single") {
      if (operation === "set") return singles.map(([key, value]) => bucket.set(key, value));
      return singles.map(([key]) => bucket[operation](key));
    }
    if (operation === "set") return batches.map(({ entries }) => bucket.setMany(entries));
    return batches.map(({ keys }) => (operation === "get" ? bucket.getMany(keys) : bucket.deleteMany(keys)));
  }

  /** Checks that none of the keys of a round exists after all of them were deleted. */
  endRound({ keys }: Workload): Promise<void> {
    return withName(this.name, async () => {
      const found = (await this.#bucket.existsMany(keys)).filter(Boolean).length;
      if (found > 0)
        throw wrongAnswer(
          `${formatCount(found, "key")} of the bucket ${this.#bucket.name} exist after they were deleted`,
        );
      this.keysWritten += keys.length;
      this.#keys = [];
    });
  }

  /** Deletes what an incomplete round left, and closes the store. Prints what it could not delete. */
  async close({ abort }: Interrupt): Promise<ExitCode> {
    const code = await this.#deleteKeys(abort);
    await unlessAborted(abort, this.#store.close()).catch(() => {});
    return code;
  }

  async #deleteKeys(abort: AbortSignal): Promise<ExitCode> {
    if (this.#keys.length === 0) return exitCode.done;
    try {
      abort.throwIfAborted();
      await this.#bucket.deleteMany(this.#keys, { signal: abort });
      return exitCode.done;
    } catch (error) {
      const deleted = BatchError.is(error) ? error.counts.applied : 0;
      printMessage(
        `${this.name}: up to ${formatCount(this.#keys.length - deleted, "key")} may remain, because they could not be deleted: ${describeError(error).message.replace(/\.$/, "")}. To delete them, run \`manykv clear --bucket ${this.#bucket.name} --yes\` with the URL of this store`,
      );
      return exitCode.store;
    }
  }
}

/** Returns the start of the names of the buckets of one run. */
export function randomBucketName(): string {
  return `manykv-bench-${randomBytes(6).toString("hex")}`;
}

/** Like `Promise.all`, but waits until all calls have settled, so that no write takes effect after the cleanup. */
async function allSettled(calls: readonly Promise<unknown>[]): Promise<unknown[]> {
  try {
    return await Promise.all(calls);
  } catch (error) {
    await Promise.allSettled(calls);
    throw error;
  }
}

function checkAnswers(answers: readonly unknown[], { batches, singles }: Workload, method: Method): void {
  if (method === "single") checkValues("get", answers as (Uint8Array | undefined)[], singles);
  else
    for (const [index, { entries }] of batches.entries()) {
      const pairs = answers[index] as (KeyValue | undefined)[];
      checkValues(
        "getMany",
        pairs.map((pair) => pair?.[1]),
        entries,
      );
    }
}

function checkValues(name: string, found: readonly (Uint8Array | undefined)[], expected: readonly KeyAndValue[]): void {
  const index = expected.findIndex(([, value], place) => Buffer.compare(found[place] ?? nothing, value) !== 0);
  if (index === -1) return;
  const what = found[index] === undefined ? "no value for a key that was set" : "a wrong value";
  throw wrongAnswer(`${name} returned ${what}, with ${formatCount(expected.length, "key")}`);
}

const nothing = new Uint8Array();

function wrongAnswer(what: string): CommandError {
  return new CommandError(exitCode.incomplete, `wrong answer: ${what}`);
}
