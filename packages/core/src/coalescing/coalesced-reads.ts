import type { SignalHub } from "../execution/signal-hub.js";
import type { Bucket, CallOptions } from "../store.js";
import { StoreError } from "../store-error.js";
import { abortedError, optionsOfBatch, PendingCall, takeByTimeout } from "./pending-call.js";
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
      for (const group of takeByTimeout(reads)) void this.#read(group);
    });
  }

  add(key: string, options: CallOptions | undefined): Promise<Uint8Array | undefined> {
    const read: Read = new PendingCall(key, options, this.#signals, () => abortedError("get"));
    this.#queue.add(read);
    return read.promise;
  }

  async #read(group: readonly Read[]): Promise<void> {
    const options = optionsOfBatch(group);
    try {
      const pairs = await this.#bucket.getMany(
        group.map((read) => read.key),
        options,
      );
      group.forEach((read, index) => {
        read.resolve(pairs[index]?.[1]);
      });
    } catch (error) {
      // Of a key that cannot be read only its own call shall hear; what concerns the engine concerns all.
      const apart = group.length > 1 && StoreError.is(error) && !error.retryable && error.code !== "closed";
      for (const read of group) {
        if (apart) this.#bucket.get(read.key, options).then(read.resolve.bind(read), read.reject.bind(read));
        else read.reject(error);
      }
    }
  }
}
