import { Call } from "./call/call.js";
import { uniformOutcomes } from "./call/outcomes.js";
import { read } from "./call/read.js";
import { type WriteKind, write } from "./call/write.js";
import { nextTurn } from "./clock.js";
import type { StoreCore } from "./create-store.js";
import type { Fault } from "./driver.js";
import { DriverBucket } from "./driver-bucket.js";
import { BatchError, explain, StoreError } from "./errors.js";
import { checkKey, checkValue, InputError, readEntries, readKeys } from "./input/batch.js";
import { findDuplicates } from "./input/chunk.js";
import type { CallOptions } from "./store.js";

type Value = Uint8Array<ArrayBuffer> | undefined;

/** A `get`, `set` or `delete` call that has not settled. */
interface PendingCall {
  readonly call: Call;
  readonly operation: "get" | WriteKind;
  readonly key: string;
  readonly value: Uint8Array | undefined;
  /** Settles the call with its value, with `undefined` for a successful write, or with the error to reject with. */
  readonly settle: (result: Value | StoreError) => void;
  /** The batch that sends this call. Absent until the call is sent. */
  batch?: BatchCall;
  isSettled?: boolean;
}

/** Sends the `get`, `set` and `delete` calls of one event loop turn as one batch per operation and timeout. */
export class CoalescingBucket extends DriverBucket {
  #waiting: PendingCall[] = [];

  override get(key: string, options?: CallOptions): Promise<Value> {
    return this.#join("get", key, undefined, options);
  }

  override async set(key: string, value: Uint8Array, options?: CallOptions): Promise<void> {
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
    options: CallOptions | undefined,
  ): Promise<Value> {
    const call = this.call(operation);
    const join = async (): Promise<Value> => {
      const { limits } = this;
      const rejection = checkKey(key, limits) ?? (operation === "set" && checkValue(value, limits));
      if (rejection) throw new InputError(rejection.code, rejection.text, 1);
      let settle!: PendingCall["settle"];
      const settled = new Promise<Value | StoreError>((resolve) => {
        settle = resolve;
      });
      const copy = value && new Uint8Array(value);
      const pending: PendingCall = { call, operation, key, value: copy, settle };
      if (this.#waiting.push(pending) === 1) {
        this.core.beforeClose.add(this.#flush);
        // Flush after the callbacks of this turn, so that calls from several callbacks share a batch.
        void nextTurn().then(this.#flush);
      }
      const result = call.cancelled ? "aborted" : await call.race(settled, call.deadline);
      pending.isSettled = true;
      if (StoreError.is(result)) throw result;
      if (typeof result !== "string") return result;
      pending.batch?.leave();
      const fault: Fault = { code: result, retryable: result === "timeout", effect: "unknown" };
      throw failure(pending, fault, pending.batch === undefined ? "not-applied" : "unknown");
    };
    return call.run(options, join, operation === "get" ? {} : { written: { input: [key] } });
  }

  /** Sends the waiting calls, in one batch per operation and timeout, because a batch has one timeout. */
  readonly #flush = (): void => {
    this.core.beforeClose.delete(this.#flush);
    const waiting = this.#waiting.filter(({ isSettled }) => !isSettled);
    this.#waiting = [];
    const writes = waiting.filter(({ operation }) => operation !== "get").reverse();
    const reads = waiting.filter(({ operation }) => operation === "get");
    for (const batch of groupBy(reads, ({ call }) => call.timeout)) void this.#read(batch);
    // The last write to a key wins. The order is reversed, so the last write is the first of its group.
    const writesByKey = groupBy(writes, ({ key }) => key);
    for (const batch of groupBy(writesByKey, ([first]) => `${first?.operation} ${first?.call.timeout}`)) {
      void this.#write(batch);
    }
  };

  async #read(batch: readonly PendingCall[]): Promise<void> {
    const call = new BatchCall(this.core, "getMany", this.name, batch);
    try {
      const parsed = readKeys(
        call,
        batch.map(({ key }) => key),
        "get",
      );
      const canonical = await findDuplicates(parsed.keys, "first", call);
      const values = await call.traced(() => read(call, "get", parsed, canonical));
      for (const [index, { settle }] of batch.entries()) settle(values[index]);
    } catch (error) {
      const failed = error as StoreError;
      // A failure that is not retryable may concern one key, so send each call alone. Other failures concern all calls.
      if (batch.length === 1 || failed.retryable) for (const { settle } of batch) settle(failed);
      else await Promise.all(batch.map((pending) => pending.isSettled || this.#read([pending])));
    } finally {
      call.end();
    }
  }

  /** Sends each key's latest call. Earlier calls share its outcome. `batch` has an array per key, latest call first. */
  async #write(batch: readonly PendingCall[][]): Promise<void> {
    const deciding = batch.map(([first]) => first as PendingCall);
    const kind = deciding[0]?.operation as WriteKind;
    const call = new BatchCall(this.core, `${kind}Many`, this.name, batch.flat());
    const input = deciding.map(({ key, value }) => (kind === "set" ? [key, value] : key));
    try {
      const parsed = kind === "set" ? readEntries(call, input) : readKeys(call, input, kind);
      await call.traced(async () => {
        const outcomes = await write(call, kind, parsed, undefined);
        for (const [index, calls] of batch.entries()) {
          const outcome = outcomes.outcomeOf(index);
          const cause = outcomes.causeOf(index);
          const unsettled = outcomes.isUnsettled(index);
          for (const each of calls) {
            each.call.unsettled = Number(unsettled);
            each.settle(outcome === "applied" ? undefined : failure(each, cause, outcome, unsettled));
          }
        }
        outcomes.throwIfFailed();
      });
    } catch (error) {
      // Has no effect if the batch was sent, because each caller has received its own error.
      const { code, retryable } = error as StoreError;
      for (const each of batch.flat()) each.settle(failure(each, { code, retryable, effect: "none" }, "not-applied"));
    } finally {
      call.end();
    }
  }
}

/** The call that sends a batch. Has the latest deadline of its callers. Is cancelled when all callers stop waiting. */
class BatchCall extends Call {
  #callers: number;

  constructor(core: StoreCore, operation: string, bucket: string, batch: readonly PendingCall[]) {
    super(core, operation, bucket);
    this.timeout = (batch[0] as PendingCall).call.timeout;
    this.deadline = batch.reduce((latest, { call }) => Math.max(latest, call.deadline), 0);
    this.#callers = batch.length;
    for (const pending of batch) pending.batch = this;
  }

  /** Records that a caller stops waiting. Cancels the batch if no other caller waits. */
  leave(): void {
    if (--this.#callers === 0) this.cancel({ code: "aborted", retryable: false, effect: "none" });
  }
}

function failure(
  { call, operation }: PendingCall,
  fault: Fault,
  outcome: "not-applied" | "unknown",
  unsettled = outcome === "unknown",
): StoreError {
  const { code, reason, retryable } = fault;
  const message = `${call.description}: ${explain(fault)}`;
  return operation === "get"
    ? new StoreError(code, message, { retryable, reason })
    : new BatchError(code, message, uniformOutcomes(1, outcome, code, reason, unsettled), { retryable, reason });
}

function groupBy<Element>(elements: readonly Element[], keyOf: (element: Element) => unknown): Element[][] {
  const groups = new Map<unknown, Element[]>();
  for (const element of elements) {
    const key = keyOf(element);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [element]);
    else group.push(element);
  }
  return [...groups.values()];
}
