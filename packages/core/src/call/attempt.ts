import type { Driver, Fault, ListAnswer, ReadAnswer, WriteAnswer } from "../driver.js";
import { FaultError } from "../driver-kit.js";
import type { Chunk } from "../input/chunk.js";
import { type AttemptEvent, trace } from "../tracing.js";
import type { Call } from "./call.js";
import { Request } from "./request.js";
import type { Interruption, Waiter } from "./waiting.js";

/** What a driver answers to each kind of request. */
export interface Answers {
  get: ReadAnswer<Uint8Array<ArrayBuffer> | undefined>;
  exists: ReadAnswer<boolean>;
  set: WriteAnswer;
  delete: WriteAnswer;
  list: ListAnswer;
  provision: undefined;
}

/** How an attempt ended: with the driver's answer, or with a fault of the whole request. */
export interface AttemptResult<Answer> {
  readonly answer?: Answer;
  readonly fault?: Fault;
  /** Why the attempt was cut short, if it was. */
  readonly interruption?: Interruption | undefined;
}

/** The longest attempt, in milliseconds. It bounds a call whose timeout is `Infinity`. */
const longestAttempt = 30_000;
/** How long an interrupted driver may take to report what it knows, in milliseconds. */
const grace = 100;

/**
 * Returns the time for the next attempt, in milliseconds; 0 if none is left. It is two thirds of the time left, so that
 * after a silent connection there is time to settle the lost request and to repeat it on another. A tenth of the timeout,
 * but at most 250 ms, is reserved for settling.
 */
export function attemptTime(call: Call): number {
  const usable = call.timeLeft - Math.min(250, call.timeout / 10);
  if (usable <= 0) return 0;
  return Math.min(longestAttempt, usable < 20 ? usable : (usable * 2) / 3);
}

/** Sends a request once. Settles when its time is over or the call is interrupted, whatever the driver does. */
export function attempt<Kind extends keyof Answers>(
  call: Call,
  kind: Kind,
  chunk: Chunk,
  number: number,
  time: number,
  cursor?: string,
): Promise<AttemptResult<Answers[Kind]>> {
  try {
    chunk.prepare(call.core.driver, call.bucket);
  } catch (error) {
    return Promise.resolve({ fault: { ...faultOf(call.core.driver, error), effect: "none" } });
  }
  const due = performance.now() + time;
  const { attemptTracing } = call.core;
  if (!attemptTracing?.hasSubscribers) return new Attempt(call, kind, chunk, due, cursor).result;
  const start = performance.now();
  const { id: callId, bucket } = call;
  const { name: driver, server } = call.core.driver;
  const batchSize = chunk.keys.length;
  const event: AttemptEvent = { callId, driver, server, operation: kind, bucket, batchSize, attempt: number };
  return trace(
    attemptTracing,
    event,
    () => new Attempt(call, kind, chunk, due, cursor).result,
    (result) => endEvent(event, start, result),
  );
}

class Attempt<Kind extends keyof Answers> extends Request implements Waiter {
  readonly result: Promise<AttemptResult<Answers[Kind]>>;
  due: number;
  readonly #call: Call;
  #resolve!: (result: AttemptResult<Answers[Kind]>) => void;
  #interruption: Interruption | undefined;

  constructor(call: Call, kind: Kind, chunk: Chunk, due: number, cursor: string | undefined) {
    super(call.bucket, due, chunk.keys, chunk.values, chunk.prepared, cursor);
    this.due = due;
    this.#call = call;
    this.result = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    call.watch(this);
    try {
      const driver = call.core.driver as unknown as Record<
        Kind,
        (request: Request) => Promise<Answers[Kind]>
      >;
      Promise.resolve(driver[kind](this)).then(this.#answered, this.#failed);
    } catch (error) {
      // A driver may also throw before it returns a promise.
      this.#failed(error);
    }
  }

  /** First the driver is asked to report what it knows. If it does not, nothing is known. */
  interrupt(why: Interruption): void {
    if (this.#interruption !== undefined) {
      if (why === "timeout") this.#finish({ fault: unanswered(this.#interruption) });
      return;
    }
    this.#interruption = why;
    this.#call.unwatch(this);
    this.due = performance.now() + grace;
    this.#call.watch(this);
    this.abort();
  }

  readonly #answered = (answer: Answers[Kind]): void => this.#finish({ answer });

  readonly #failed = (error: unknown): void =>
    this.#finish({ fault: faultOf(this.#call.core.driver, error) });

  #finish(result: AttemptResult<Answers[Kind]>): void {
    this.#call.unwatch(this);
    this.#resolve(
      this.#interruption === undefined ? result : { ...result, interruption: this.#interruption },
    );
  }
}

function unanswered(code: Interruption): Fault {
  return { code, retryable: code === "timeout", effect: "unknown" };
}

/** Returns the fault of a rejected request. */
export function faultOf(driver: Driver, error: unknown): Fault {
  if (FaultError.is(error)) return error.fault;
  try {
    return driver.classify(error);
  } catch {
    // A driver whose `classify` fails reports nothing, so nothing is known.
    return { code: "internal", retryable: false, effect: "unknown" };
  }
}

const unprocessed: Fault = Object.freeze({ code: "throttled", retryable: true, effect: "none" });

/**
 * Returns the fault of each key of a request, by index; `undefined` if every key was done.
 *
 * @param last - a fault of the previous attempt
 */
export function faultsByIndex(
  size: number,
  { answer, fault, interruption }: AttemptResult<WriteAnswer>,
  last: Fault | undefined,
): (Fault | undefined)[] | undefined {
  if (answer === undefined)
    return new Array(size).fill(afterInterruption(fault as Fault, interruption, last));
  if (!answer.faults?.length && !answer.unprocessed?.length) return undefined;
  const faults = new Array<Fault | undefined>(size).fill(undefined);
  for (const index of answer.unprocessed ?? [])
    faults[index] = afterInterruption(unprocessed, interruption, last);
  for (const each of answer.faults ?? []) faults[each.index] = afterInterruption(each, interruption, last);
  return faults;
}

/** A key that failed because the attempt was cut short gets that reason, not what the driver made of it. */
export function afterInterruption(
  fault: Fault,
  interruption: Interruption | undefined,
  last: Fault | undefined,
): Fault {
  if (interruption === undefined || (!fault.retryable && fault.effect === "none")) return fault;
  // If nothing came of this attempt, the previous fault says more than that the time is over.
  if (interruption === "timeout" && fault.effect === "none" && last?.effect === "none") return last;
  return { ...fault, code: interruption, retryable: interruption === "timeout" };
}

/**
 * Returns why nothing more can be sent, if so: the caller cancelled, another request of the call failed, or the time is
 * over. In the last case the previous fault says more than that.
 */
export function stopFault(call: Call, time: number, last: Fault | undefined): Fault | undefined {
  if (call.cancelled) return { code: "aborted", retryable: false, effect: "none" };
  if (call.fault === undefined && time > 0) return undefined;
  return last ?? call.fault ?? { code: "timeout", retryable: true, effect: "none" };
}

/**
 * Returns the wait before the next attempt, in milliseconds: full jitter, a random part of a bound that doubles.
 * https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
 */
export function backoff(call: Call, attemptsWithoutProgress: number): number {
  const { baseDelay, maxDelay } = call.core.options.retry;
  return Math.random() * Math.min(maxDelay, baseDelay * 2 ** attemptsWithoutProgress);
}

function endEvent(event: AttemptEvent, start: number, result: AttemptResult<unknown> | undefined): void {
  event.duration = performance.now() - start;
  const answer = result?.answer as WriteAnswer | undefined;
  const left = answer?.unprocessed?.length ?? 0;
  const fault = result?.fault ?? answer?.faults?.[0] ?? (left > 0 ? unprocessed : undefined);
  event.undone = result?.fault === undefined ? left + (answer?.faults?.length ?? 0) : event.batchSize;
  if (fault === undefined) return;
  event.code = fault.code;
  if (fault.reason !== undefined) event.reason = fault.reason;
}
