import type { Interruption } from "../execution/call.js";
import type { SignalHub } from "../execution/signal-hub.js";
import type { CallOptions } from "../store.js";
import type { StoreError } from "../store-error.js";

/** The longest that a timer of JavaScript waits, in milliseconds. */
const longestTimer = 2 ** 31 - 1;

/** One call of the caller's that waits for its batch, or for the answer to it. */
export class PendingCall<Result> {
  readonly key: string;
  readonly timeout: number | undefined;
  readonly promise: Promise<Result>;
  /** Whether the caller gave a signal. */
  readonly cancellable: boolean;
  readonly #leave: (() => void) | undefined;
  readonly #interrupted: (why: Interruption, sent: boolean) => StoreError;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #settle!: { readonly resolve: (result: Result) => void; readonly reject: (error: unknown) => void };
  #waiting = true;
  /** Whether the call went into a batch. */
  sent = false;
  /** Called when the call ends before its batch does. */
  onCancel: (() => void) | undefined;

  /**
   * @param options - were checked
   * @param interrupted - makes the error of a call whose signal fires or whose time is over; its batch goes on without it
   */
  constructor(
    key: string,
    options: CallOptions,
    signals: SignalHub,
    interrupted: (why: Interruption, sent: boolean) => StoreError,
  ) {
    const { signal, timeout } = options;
    this.key = key;
    this.#interrupted = interrupted;
    this.timeout = timeout;
    this.promise = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    const cancel = (): void => this.#interrupt("aborted");
    this.cancellable = signal !== undefined;
    if (signal?.aborted) cancel();
    else if (signal !== undefined) this.#leave = signals.listen(signal, cancel);
  }

  /** Whether the call is neither settled nor cancelled. */
  get waiting(): boolean {
    return this.#waiting;
  }

  /** Ends the call by itself after `time`, in milliseconds: its batch takes longer. */
  expireAfter(time: number): void {
    this.#timer = setTimeout(() => this.#interrupt("timeout"), Math.min(time, longestTimer));
  }

  resolve(result: Result): void {
    this.#end();
    this.#settle.resolve(result);
  }

  reject(error: unknown): void {
    this.#end();
    this.#settle.reject(error);
  }

  #interrupt(why: Interruption): void {
    this.reject(this.#interrupted(why, this.sent));
    this.onCancel?.();
  }

  #end(): void {
    this.#waiting = false;
    clearTimeout(this.#timer);
    this.#leave?.();
  }
}

/** What can be said of a pending call whatever its result. */
export interface Pending {
  readonly timeout: number | undefined;
  readonly waiting: boolean;
  readonly cancellable: boolean;
  sent: boolean;
  onCancel: (() => void) | undefined;
}

/** The calls that still wait, marked as sent, by their timeout: a batch has one deadline. */
export function takeByTimeout<Call extends Pending>(calls: Iterable<Call>): Iterable<readonly Call[]> {
  const groups = new Map<number | undefined, Call[]>();
  for (const call of calls) {
    if (!call.waiting) continue;
    call.sent = true;
    const group = groups.get(call.timeout);
    if (group === undefined) groups.set(call.timeout, [call]);
    else group.push(call);
  }
  return groups.values();
}

/** The options of a batch: it is cancelled when nobody waits for it any more. */
export function optionsOfBatch(calls: readonly Pending[]): CallOptions {
  const timeout = calls[0]?.timeout;
  if (!calls.every((call) => call.cancellable)) return { timeout };
  const controller = new AbortController();
  let waiting = calls.length;
  for (const call of calls) {
    call.onCancel = () => {
      if (--waiting === 0) controller.abort();
    };
  }
  return { timeout, signal: controller.signal };
}
