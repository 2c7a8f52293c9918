import { now } from "../clock.js";
import type {
  BucketsAnswer,
  Driver,
  DriverDescription,
  Fault,
  ListAnswer,
  ReadAnswer,
  SweepAnswer,
  WriteAnswer,
} from "../driver.js";
import { FaultError, unprocessed } from "../driver-kit.js";
import type { Chunk } from "../input/chunk.js";
import type { SwapResult } from "../store.js";
import { isTraced, traceAttempt } from "../tracing.js";
import type { Call, Interruption } from "./call.js";
import { areIndexes, checkedFault, usableValues, wrongAnswer } from "./check-answer.js";
import { Request } from "./request.js";

/** The answer to each kind of request. Core treats an answer that does not concern several keys as the value of one key. */
export interface Answers {
  get: ReadAnswer<Uint8Array<ArrayBuffer> | undefined>;
  exists: ReadAnswer<boolean>;
  ttl: ReadAnswer<number | null | undefined>;
  set: WriteAnswer;
  setIfAbsent: WriteAnswer;
  delete: WriteAnswer;
  increment: ReadAnswer<bigint>;
  compareAndSwap: ReadAnswer<SwapResult>;
  list: ReadAnswer<ListAnswer>;
  listBuckets: ReadAnswer<BucketsAnswer>;
  sweep: ReadAnswer<SweepAnswer>;
  provision: ReadAnswer<undefined>;
  describe: ReadAnswer<DriverDescription>;
}

/** The requests that return no values. */
export type WriteKind = "set" | "setIfAbsent" | "delete";
export type ReadKind = Exclude<keyof Answers, WriteKind>;

/** The result of one request: the answer of the driver, or a fault of the whole request. */
export interface Response<Answer> {
  readonly answer?: Answer;
  readonly fault?: Fault;
  /** Why core interrupted the attempt. Absent if core did not interrupt it. */
  readonly interruption?: Interruption;
}

/** The result of an attempt. Without `stop` and `faults`, all keys succeeded. */
export interface AttemptResult<Answer> {
  readonly answer?: Answer | undefined;
  /** The fault of each key that failed, by index in the chunk. */
  readonly faults?: readonly (Fault | undefined)[] | undefined;
  /** The fault, if it concerns the whole request. */
  readonly fault?: Fault;
  /** Why core did not send the request. */
  readonly stop?: Fault;
}

/** Maximum duration of an attempt, in milliseconds. It also applies if the timeout of the call is `Infinity`. */
const longestAttempt = 30_000;
/** Time that an interrupted driver has to report the outcome of each key, in milliseconds. */
const grace = 100;

/**
 * Returns the time for the next attempt in milliseconds: at most 30,000, or 0 or less if no time is left. Reserves a
 * tenth of the timeout (at most 250 ms) for settling, and a third of the rest for a retry unless the rest is below 20 ms.
 */
function attemptTime(call: Call): number {
  const usable = call.timeLeft - Math.min(250, call.timeout / 10);
  return Math.min(longestAttempt, usable < 20 ? usable : (usable * 2) / 3);
}

/**
 * Sends a request once, unless the call must stop. `number` counts the attempts, and `last` is the previous fault.
 * Settles at most 100 ms after the attempt times out or the call is cancelled, even if the driver hangs.
 */
export async function attempt<Kind extends keyof Answers>(
  call: Call,
  kind: Kind,
  chunk: Chunk,
  number: number,
  last: Fault | undefined,
): Promise<AttemptResult<Answers[Kind]>> {
  const { attemptTracing, driver, slots } = call.core;
  const size = chunk.keys.length;
  let stop = stopFault(call, last);
  if (stop !== undefined) return { stop };
  try {
    // Before the first wait, because the caller may change the values as soon as the method has returned.
    if (kind === "set") chunk.prepare(driver, call.bucket);
  } catch (error) {
    return wholeFault(size, { ...faultOf(driver, error), effect: "none" });
  }
  const hasSlot = slots !== undefined && (await slots.take(call));
  try {
    if (slots !== undefined) stop = stopFault(call, last);
    if (stop !== undefined) return { stop };
    const run = (): Promise<Response<Answers[Kind]>> => send(call, kind, chunk);
    const response = await (isTraced(attemptTracing) ? traceAttempt(call, kind, size, number, run) : run());
    return resultOf(kind, size, response, last);
  } finally {
    if (hasSlot) slots.release();
  }
}

async function send<Kind extends keyof Answers>(
  call: Call,
  kind: Kind,
  { keys, values, ttls, prepared }: Chunk,
): Promise<Response<Answers[Kind]>> {
  const { bucket, core, details } = call;
  const deadline = now() + attemptTime(call);
  const request = new Request({ bucket, deadline, keys, values, ttls, prepared }, details);
  const answering = answerOf(core.driver, kind, request);
  // The call may have been cancelled while the driver's method ran.
  const response = call.cancelled ? "aborted" : await call.race(answering, deadline);
  if (typeof response === "object") return response;
  request.abort();
  // Let the driver report what it knows. If it reports nothing, the effect is unknown.
  const late = await call.race(answering, now() + grace);
  const unknown: Fault = { code: response, retryable: true, effect: "unknown" };
  return { ...(typeof late === "object" ? late : { fault: unknown }), interruption: response };
}

const ofSeveralKeys: readonly string[] = ["get", "exists", "ttl", "set", "setIfAbsent", "delete"];

/** Calls the driver. Never rejects, even if the driver throws before it returns a promise. */
async function answerOf<Kind extends keyof Answers>(
  driver: Driver,
  kind: Kind,
  request: Request,
): Promise<Response<Answers[Kind]>> {
  try {
    const { [kind]: method } = driver as unknown as Record<Kind, (request: Request) => Promise<unknown>>;
    const answer = await method.call(driver, request);
    return { answer: (ofSeveralKeys.includes(kind) ? answer : { values: [answer] }) as Answers[Kind] };
  } catch (error) {
    return { fault: faultOf(driver, error) };
  }
}

/** Returns the fault of a request that failed with `error`. Never throws. */
export function faultOf(driver: Driver, error: unknown): Fault {
  if (FaultError.is(error)) return checkedFault(error.fault);
  try {
    return checkedFault(driver.classify(error));
  } catch {
    return wrongAnswer("`classify` must not throw", "unknown");
  }
}

/** Returns the result of an attempt with `size` keys. `last` is the previous fault. */
function resultOf<Kind extends keyof Answers>(
  kind: Kind,
  size: number,
  { answer, fault, interruption }: Response<Answers[Kind]>,
  last: Fault | undefined,
): AttemptResult<Answers[Kind]> {
  const explained = (cause: Fault): Fault => afterInterruption(cause, interruption, last);
  if (fault !== undefined) return wholeFault(size, explained(fault));
  const { values, faults = [], unprocessed: left = [] }: Partial<ReadAnswer<unknown>> = answer ?? {};
  let byIndex: (Fault | undefined)[] | undefined;
  if (faults.length + left.length > 0) {
    const failed = Array.from(faults, ({ index }) => index);
    if (!areIndexes(size, left) || !areIndexes(size, failed)) {
      const rule = `a fault or unprocessed key of \`${kind}\` must be an index of a key`;
      return wholeFault(size, wrongAnswer(rule, "unknown"));
    }
    byIndex = new Array<Fault | undefined>(size).fill(undefined);
    for (const index of left) byIndex[index] = explained(unprocessed);
    for (const each of faults) byIndex[each.index] = explained(checkedFault(each));
  }
  if (isWrite(kind)) return { answer, faults: byIndex };
  const used = usableValues(kind as ReadKind, size, values, byIndex);
  if ("code" in used) return wholeFault(size, used);
  return { answer: (used === values ? answer : { values: used }) as Answers[Kind], faults: byIndex };
}

function isWrite(kind: keyof Answers): kind is WriteKind {
  return kind === "set" || kind === "setIfAbsent" || kind === "delete";
}

function wholeFault(size: number, fault: Fault): { readonly fault: Fault; readonly faults: readonly Fault[] } {
  return { fault, faults: new Array<Fault>(size).fill(fault) };
}

/** Returns the fault to record. If an interruption may have caused it, changes its code or uses the previous fault. */
function afterInterruption(fault: Fault, interruption: Interruption | undefined, last: Fault | undefined): Fault {
  if (interruption === undefined || (!fault.retryable && fault.effect === "none")) return fault;
  // If neither attempt had an effect, the previous fault explains more than `timeout`.
  if (interruption === "timeout" && fault.effect === "none" && last?.effect === "none") return last;
  return { ...fault, code: interruption, retryable: interruption === "timeout" };
}

/**
 * Returns why the call must stop: it was cancelled, another of its requests failed, or no time is left for an attempt.
 * Returns `undefined` if the call can continue. If the call was not cancelled, the previous fault takes precedence.
 */
function stopFault(call: Call, last: Fault | undefined): Fault | undefined {
  if (call.cancelled) return { code: "aborted", retryable: false, effect: "none" };
  if (call.fault === undefined && attemptTime(call) > 0) return undefined;
  return last ?? call.fault ?? { code: "timeout", retryable: true, effect: "none" };
}

/** Maximum time to wait because the engine asks for it, in milliseconds. The AWS SDK uses the same maximum. */
const longestRetryAfter = 5_000;

/**
 * Waits for a random time (full jitter). The maximum doubles with each attempt without progress, up to `maxDelay`. If
 * the engine asked to wait, adds the random time to what it asked for, so that its clients do not all return at once.
 * https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
 */
export async function backoff(call: Call, attemptsWithoutProgress: number, { retryAfter = 0 }: Fault): Promise<void> {
  if (call.fault !== undefined || call.cancelled) return;
  const { baseDelay, maxDelay } = call.core.options.retry;
  const jitter = Math.random() * Math.min(maxDelay, baseDelay * 2 ** attemptsWithoutProgress);
  const delay = jitter + Math.min(retryAfter, longestRetryAfter);
  await call.race(new Promise(() => {}), Math.min(now() + delay, call.deadline));
}
