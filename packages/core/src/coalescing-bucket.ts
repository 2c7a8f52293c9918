import { BatchError } from "./batch-error.js";
import { Call } from "./call/call.js";
import { type Outcomes, uniformOutcomes } from "./call/outcomes.js";
import { read } from "./call/read.js";
import type { Interruption, Waiter } from "./call/waiting.js";
import { type WriteKind, write } from "./call/write.js";
import type { StoreCore } from "./create-store.js";
import type { Fault } from "./driver.js";
import { DriverBucket } from "./driver-bucket.js";
import { explain, StoreError } from "./errors.js";
import { readEntries, readKeys } from "./input/batch.js";
import { checkEntry } from "./input/check-entry.js";
import { findDuplicates } from "./input/duplicates.js";
import type { CallOptions } from "./store.js";

type Value = Uint8Array<ArrayBuffer> | undefined;
type Operation = "get" | WriteKind;

/** A bucket whose `get`, `set` and `delete` calls of one event loop turn travel as one batch each. */
export class CoalescingBucket extends DriverBucket {
  #waiting: PendingCall[] = [];

  override get(key: string, options?: CallOptions): Promise<Value> {
    const call = new Call(this.core, "get", this.name);
    return call.traced(() => this.#wait(call, "get", key, undefined, options));
  }

  override set(key: string, value: Uint8Array, options?: CallOptions): Promise<void> {
    const call = new Call(this.core, "set", this.name);
    return call.traced(async () => void (await this.#wait(call, "set", key, value, options)));
  }

  override delete(key: string, options?: CallOptions): Promise<void> {
    const call = new Call(this.core, "delete", this.name);
    return call.traced(async () => void (await this.#wait(call, "delete", key, undefined, options)));
  }

  /** Waits for the batch at the end of this turn and for the result of this key. */
  async #wait(
    call: Call,
    operation: Operation,
    key: string,
    value: Uint8Array | undefined,
    options: CallOptions | undefined,
  ): Promise<Value> {
    try {
      call.start(options);
      checkEntry(key, operation === "set" ? { value } : undefined, this.limits);
      const pending = new PendingCall(call, operation, key, value && new Uint8Array(value));
      if (this.#waiting.push(pending) === 1) {
        this.core.beforeClose.add(this.#flush);
        afterThisTurn(this.#flush);
      }
      return await pending.result;
    } catch (error) {
      throw operation === "get" ? call.readError(error) : call.writeError(error, [key]);
    } finally {
      call.end();
    }
  }

  /** Sends what waits: one batch for each operation and timeout, because a batch has one deadline. */
  readonly #flush = (): void => {
    this.core.beforeClose.delete(this.#flush);
    const waiting = this.#waiting.filter((pending) => pending.isWaiting);
    this.#waiting = [];
    const writesByKey = new Map<string, PendingCall[]>();
    const batches = new Map<string, PendingCall[][]>();
    for (const pending of waiting) {
      if (pending.operation === "get") addTo(batches, `get ${pending.call.timeout}`, [pending]);
      else addTo(writesByKey, pending.key, pending);
    }
    for (const writes of writesByKey.values()) {
      const last = writes.at(-1) as PendingCall;
      addTo(batches, `${last.operation} ${last.call.timeout}`, writes);
    }
    for (const batch of batches.values()) {
      const operation = batch[0]?.at(-1)?.operation as Operation;
      void (operation === "get" ? this.#readBatch(batch.flat()) : this.#writeBatch(operation, batch));
    }
  };

  async #readBatch(pending: readonly PendingCall[]): Promise<void> {
    const call = new BatchCall(this.core, pending.length === 1 ? "get" : "getMany", this.name, pending);
    try {
      const batch = readKeys(
        call,
        pending.map(({ key }) => key),
        "get",
      );
      const canonical = findDuplicates(batch.keys, "first");
      const values = await call.traced(() => read(call, "get", batch, canonical));
      pending.forEach((each, index) => {
        const from = canonical?.[index] ?? index;
        const value = values[from];
        each.resolve(from === index ? value : value && new Uint8Array(value));
      });
    } catch (error) {
      // If the backend refused one key for good, only that key's call fails. Other failures concern all calls.
      const isRefusal = StoreError.is(error) && !error.retryable && pending.length > 1;
      if (isRefusal) await Promise.all(pending.map((each) => each.isWaiting && this.#readBatch([each])));
      else for (const each of pending) each.reject(error);
    } finally {
      call.end();
    }
  }

  /** Each element of `writes` is the calls for one key. The last of them counts, and all share its outcome. */
  async #writeBatch(kind: WriteKind, writes: readonly PendingCall[][]): Promise<void> {
    const call = new BatchCall(this.core, `${kind}Many`, this.name, writes.flat());
    const last = writes.map((each) => each.at(-1) as PendingCall);
    const batch =
      kind === "set"
        ? readEntries(
            call,
            last.map(({ key, value }) => [key, value]),
          )
        : readKeys(
            call,
            last.map(({ key }) => key),
            kind,
          );
    const outcomes = await call.traced(() => write(call, kind, batch, undefined));
    writes.forEach((each, index) => {
      for (const pending of each) pending.settle(outcomes, index);
    });
    call.end();
  }
}

/** A call that waits for its batch, then for its result. Its own deadline and signal may end it earlier. */
class PendingCall implements Waiter {
  readonly call: Call;
  readonly operation: Operation;
  readonly key: string;
  readonly value: Uint8Array | undefined;
  readonly result: Promise<Value>;
  isWaiting = true;
  /** Present once the batch was sent. Called if this call ends before its batch does. */
  onInterrupt: (() => void) | undefined;
  #settle!: { readonly resolve: (value: Value) => void; readonly reject: (error: unknown) => void };

  constructor(call: Call, operation: Operation, key: string, value: Uint8Array | undefined) {
    this.call = call;
    this.operation = operation;
    this.key = key;
    this.value = value;
    this.result = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    if (call.cancelled) this.interrupt("aborted");
    else call.watch(this);
  }

  get due(): number {
    return this.call.deadline;
  }

  resolve(value: Value): void {
    this.#end();
    this.#settle.resolve(value);
  }

  reject(error: unknown): void {
    this.#end();
    this.#settle.reject(error);
  }

  /** Takes the outcome of one entry of the batch. */
  settle(outcomes: Outcomes, index: number): void {
    const outcome = outcomes.outcomeOf(index);
    if (outcome === "applied") this.resolve(undefined);
    else this.#fail(outcomes.causeOf(index), outcome);
  }

  interrupt(why: Interruption): void {
    const outcome = this.onInterrupt === undefined ? "not-applied" : "unknown";
    this.#fail({ code: why, retryable: why === "timeout", effect: "unknown" }, outcome);
    this.onInterrupt?.();
  }

  #fail(fault: Fault, outcome: "not-applied" | "unknown"): void {
    const { code, reason, retryable } = fault;
    const message = `${this.call.description}: ${explain(fault)}`;
    const options = { retryable, reason };
    if (this.operation === "get") this.reject(new StoreError(code, message, options));
    else this.reject(new BatchError(code, message, uniformOutcomes(1, outcome, code, reason), options));
  }

  #end(): void {
    this.isWaiting = false;
    this.call.unwatch(this);
  }
}

/** The call of a batch: it has its callers' deadline, and is cancelled when no caller waits for it any more. */
class BatchCall extends Call {
  constructor(core: StoreCore, operation: string, bucket: string, pending: readonly PendingCall[]) {
    super(core, operation, bucket);
    this.timeout = pending.at(-1)?.call.timeout as number;
    this.deadline = Math.max(...pending.map(({ call }) => call.deadline));
    let waiting = pending.length;
    for (const each of pending) {
      each.onInterrupt = () => {
        if (--waiting === 0) this.cancel({ code: "aborted", retryable: false, effect: "none" });
      };
    }
  }
}

function addTo<Key, Element>(groups: Map<Key, Element[]>, key: Key, element: Element): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, [element]);
  else group.push(element);
}

/**
 * After the callbacks of this turn and the promises that they settled, so that calls from many handlers of one turn meet.
 * Browsers have no `setImmediate`; there it is the next task.
 */
function afterThisTurn(callback: () => void): void {
  if (typeof setImmediate === "function") setImmediate(callback);
  else setTimeout(callback, 0);
}
