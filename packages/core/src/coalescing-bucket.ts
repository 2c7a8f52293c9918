import type { WriteKind } from "./call/attempt.js";
import type { Call } from "./call/call.js";
import { uniformOutcomes } from "./call/outcomes.js";
import { read } from "./call/read.js";
import { write } from "./call/write.js";
import { nextTurn } from "./clock.js";
import type { Fault } from "./driver.js";
import { DriverBucket, setOptionNames } from "./driver-bucket.js";
import { BatchError, StoreError } from "./errors.js";
import { checkKey, checkValue, InputError } from "./input/batch.js";
import type { CallOptions, Entry, SetOptions } from "./store.js";

type Value = Uint8Array<ArrayBuffer> | undefined;

/** A `get`, `set` or `delete` call that has not settled. */
interface PendingCall {
  readonly call: Call;
  readonly operation: "get" | WriteKind;
  readonly key: string;
  readonly value: Value;
  readonly ttl: number | undefined;
  /** Settles the call with its value, with `undefined` for a successful write, or with the error to reject with. */
  readonly settle: (result: Value | StoreError) => void;
  /** Tells the batch that the call no longer waits for it. Absent until the call is sent. */
  leave?: () => void;
  isSettled?: boolean;
}

/** Calls that are sent as one batch. */
interface CoalescedBatch {
  readonly operation: PendingCall["operation"];
  readonly timeout: number;
  readonly calls: PendingCall[];
  /** The key or entry to send for each call. */
  readonly input: (string | Entry)[];
}

/** Sends the `get`, `set` and `delete` calls of one event loop turn as one batch per operation and timeout. */
export class CoalescingBucket extends DriverBucket {
  #waiting: PendingCall[] = [];

  override get(key: string, options?: CallOptions): Promise<Value> {
    return this.#join("get", key, undefined, options);
  }

  override async set(key: string, value: Uint8Array, options?: SetOptions): Promise<void> {
    await this.#join("set", key, value, options);
  }

  override async delete(key: string, options?: CallOptions): Promise<void> {
    await this.#join("delete", key, undefined, options);
  }

  /** Adds a call to the next batch. Waits for the result until the call's deadline passes or its signal is aborted. */
  #join(
    operation: PendingCall["operation"],
    key: string,
    value: Uint8Array | undefined,
    options: SetOptions | undefined,
  ): Promise<Value> {
    const call = this.call(operation);
    const join = async (checked?: SetOptions): Promise<Value> => {
      const { limits } = this;
      const ttl = checked?.ttl;
      if (this.kindOfSet(checked) === "setIfAbsent") {
        // Sends this call alone, because another set of the same key in the batch would replace its value.
        (await write(call, "setIfAbsent", [[key, value]], ttl)).throwIfFailed();
        return undefined;
      }
      const rejection = checkKey(key, limits) ?? (operation === "set" ? checkValue(value, limits) : undefined);
      if (rejection !== undefined) throw new InputError(rejection.code, rejection.text, 1);
      let settle!: PendingCall["settle"];
      const settled = new Promise<Value | StoreError>((resolve) => {
        settle = resolve;
      });
      const pending: PendingCall = { call, operation, key, value: value && new Uint8Array(value), ttl, settle };
      if (this.#waiting.push(pending) === 1) {
        this.core.beforeClose.add(this.#flush);
        // Flush after the callbacks of this turn, so that calls from several callbacks share a batch.
        void nextTurn().then(this.#flush);
      }
      const result = call.cancelled ? "aborted" : await call.race(settled, call.deadline);
      pending.isSettled = true;
      if (StoreError.is(result)) throw result;
      if (typeof result !== "string") return result;
      pending.leave?.();
      const fault: Fault = { code: result, retryable: result === "timeout", effect: "unknown" };
      throw failure(pending, fault, pending.leave === undefined ? "not-applied" : "unknown");
    };
    const known = operation === "set" && { known: setOptionNames };
    const written = operation !== "get" && { written: { input: [key] } };
    return call.run(options, join, { ...known, ...written });
  }

  /** Sends the waiting calls. The last write to a key decides in which batch all writes to this key are sent. */
  readonly #flush = (): void => {
    this.core.beforeClose.delete(this.#flush);
    const waiting = this.#waiting.filter(({ isSettled }) => !isSettled);
    this.#waiting = [];
    const lastWrites = new Map<string, PendingCall>();
    for (const each of waiting) if (each.operation !== "get") lastWrites.set(each.key, each);
    const batches = new Map<string, CoalescedBatch>();
    for (const each of waiting) {
      const { operation, key, value, ttl, call } = each.operation === "get" ? each : (lastWrites.get(each.key) ?? each);
      const { timeout } = call;
      const name = `${operation} ${timeout}`;
      const batch = batches.get(name) ?? { operation, timeout, calls: [], input: [] };
      batches.set(name, batch);
      batch.calls.push(each);
      batch.input.push(value === undefined ? key : [key, value, { ttl }]);
    }
    for (const batch of batches.values()) void this.#send(batch);
  };

  /** Sends a batch and settles its calls. Stops when the last deadline passes or no call is waiting. */
  async #send({ operation, timeout, calls, input }: CoalescedBatch): Promise<void> {
    const batchCall = this.call(`${operation}Many`);
    batchCall.timeout = timeout;
    batchCall.deadline = calls.reduce((latest, { call }) => Math.max(latest, call.deadline), 0);
    let waiting = calls.length;
    const leave = (): void => {
      if (--waiting === 0) batchCall.abandon();
    };
    for (const each of calls) each.leave = leave;
    const sendReads = async (): Promise<void> => {
      const { values } = await read(batchCall, "get", input);
      for (const [index, { settle }] of calls.entries()) settle(values[index]);
    };
    const sendWrites = async (kind: WriteKind): Promise<void> => {
      const outcomes = await write(batchCall, kind, input);
      for (const [index, each] of calls.entries()) {
        const outcome = outcomes.outcomeOf(index);
        const unsettled = outcomes.isUnsettled(index);
        each.call.unsettled = Number(unsettled);
        each.settle(outcome === "applied" ? undefined : failure(each, outcomes.causeOf(index), outcome, unsettled));
      }
      outcomes.throwIfFailed();
    };
    try {
      if (operation === "get") await batchCall.perform(sendReads);
      else await batchCall.perform(() => sendWrites(operation), { input });
    } catch (error) {
      const failed = error as StoreError;
      const { code, reason, retryable } = failed;
      // A failure that is not retryable may concern one key, so read each key alone. Other failures concern all calls.
      if (operation === "get" && calls.length > 1 && !retryable) {
        const alone = calls.filter(({ isSettled }) => !isSettled);
        for (const each of alone) void this.#send({ operation, timeout, calls: [each], input: [each.key] });
        return;
      }
      // Has no effect on writes that were sent, because each has its own outcome.
      for (const each of calls) each.settle(failure(each, { code, reason, retryable, effect: "none" }, "not-applied"));
    }
  }
}

function failure(
  { call, operation }: PendingCall,
  fault: Fault,
  outcome: "not-applied" | "unknown",
  unsettled = outcome === "unknown",
): StoreError {
  const error = call.failure(fault);
  if (operation === "get") return error;
  return new BatchError(fault.code, error.message, uniformOutcomes(1, outcome, fault, unsettled), fault);
}
