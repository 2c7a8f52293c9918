import type { SignalHub } from "../execution/signal-hub.js";
import { explain } from "../messages.js";
import type { Bucket, CallOptions } from "../store.js";
import { type Admit, accessOf, compound } from "../store-access.js";
import { StoreError } from "../store-error.js";
import { optionsOfBatch, PendingCall, takeByTimeout } from "./pending-call.js";
import { TurnQueue } from "./turn-queue.js";

type Read = PendingCall<Uint8Array | undefined>;

/** Turns the `get` calls of one turn into one `getMany`. */
export class CoalescedReads {
  readonly #bucket: Bucket;
  readonly #signals: SignalHub;
  readonly #queue: TurnQueue<Read>;

  constructor(bucket: Bucket, signals: SignalHub) {
    this.#bucket = bucket;
    this.#signals = signals;
    this.#queue = new TurnQueue(bucket, (reads) => {
      for (const group of takeByTimeout(reads)) void compound(bucket, (admit) => this.#read(group, admit));
    });
  }

  add(key: string, options: CallOptions = {}): Promise<Uint8Array | undefined> {
    const read: Read = new PendingCall(
      key,
      options,
      this.#signals,
      (why) => new StoreError(why, `get: ${explain({ code: why })}`),
    );
    this.#queue.add(read);
    return read.promise;
  }

  async #read(group: readonly Read[], admit: Admit): Promise<void> {
    const start = performance.now();
    const { timeout = accessOf(this.#bucket)?.defaultTimeout, signal } = optionsOfBatch(group);
    try {
      const pairs = await this.#bucket.getMany(
        group.map((read) => read.key),
        { timeout, signal },
      );
      group.forEach((read, index) => {
        read.resolve(pairs[index]?.[1]);
      });
    } catch (error) {
      // Of a key that cannot be read only its own call shall hear; what concerns the engine concerns all.
      const apart = group.length > 1 && StoreError.is(error) && !error.retryable && error.code !== "closed";
      if (!apart) for (const read of group) read.reject(error);
      else {
        const left = timeout && Math.max(0, timeout - (performance.now() - start));
        await Promise.all(group.map((read) => this.#repeat(read, { timeout: left, signal }, admit)));
      }
    }
  }

  async #repeat(read: Read, options: CallOptions, admit: Admit): Promise<void> {
    if (!read.waiting) return;
    await admit(() => this.#bucket.get(read.key, options)).then(
      (value) => read.resolve(value),
      (error: unknown) => read.reject(error),
    );
  }
}
