import { now } from "../clock.js";
import type {
  BucketsAnswer,
  Driver,
  DriverDescription,
  Fault,
  IncrementRequest,
  ListAnswer,
  ListRequest,
  ReadAnswer,
  SetRequest,
  SwapRequest,
  SweepAnswer,
  WriteAnswer,
} from "../driver.js";
import { FaultError, unprocessed } from "../driver-kit.js";
import type { Chunk } from "../input/chunk.js";
import type { SwapResult } from "../store.js";
import { isTraced, traceAttempt } from "../tracing.js";
import type { Call, Interruption } from "./call.js";

/** The fields of a request, for {@link createRequest}. */
export interface RequestParts {
  readonly bucket: string;
  readonly keys?: readonly string[] | undefined;
  readonly values?: readonly Uint8Array[] | undefined;
  readonly ttls?: readonly (number | undefined)[] | undefined;
  readonly prepared?: unknown;
  readonly prefix?: string | undefined;
  readonly cursor?: string | undefined;
  readonly delta?: bigint | undefined;
  readonly ttl?: number | undefined;
  readonly expected?: Uint8Array | undefined;
  readonly value?: Uint8Array | undefined;
  readonly deadline?: number | undefined;
}

/** The fields of a request that do not come from a batch. */
export type RequestDetails = Pick<RequestParts, "prefix" | "cursor" | "delta" | "ttl" | "expected" | "value">;

/** The request that a driver receives. Creates its `AbortSignal` on first use: creating one takes about 7 µs. */
export class Request implements SetRequest, ListRequest, IncrementRequest, SwapRequest {
  readonly bucket: string;
  readonly keys: readonly string[];
  readonly values: readonly Uint8Array[];
  readonly ttls: readonly (number | undefined)[] | undefined;
  readonly prepared: unknown;
  readonly prefix: string;
  readonly cursor: string | undefined;
  readonly key: string;
  readonly delta: bigint;
  readonly ttl: number | undefined;
  readonly expected: Uint8Array | undefined;
  readonly value: Uint8Array | undefined;
  readonly deadline: number;
  aborted = false;
  readonly #listeners: Set<() => void> = new Set();
  #controller: AbortController | undefined;

  constructor(parts: RequestParts, details: RequestDetails = parts) {
    this.bucket = parts.bucket;
    this.keys = parts.keys ?? [];
    this.values = parts.values ?? [];
    this.ttls = parts.ttls;
    this.prepared = parts.prepared;
    this.prefix = details.prefix ?? "";
    this.cursor = details.cursor;
    this.key = this.keys[0] ?? "";
    this.delta = details.delta ?? 0n;
    this.ttl = details.ttl;
    this.expected = details.expected;
    this.value = details.value;
    this.deadline = parts.deadline ?? Infinity;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.aborted) this.#controller.abort();
    return this.#controller.signal;
  }

  onAbort(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  abort(): void {
    if (this.aborted) return;
    this.aborted = true;
    this.#controller?.abort();
    for (const listener of [...this.#listeners]) listener();
  }
}

/** Creates a request for tests, background work of drivers, or a wrapped driver. `signal` aborts the request. */
export function createRequest(parts: RequestParts & { readonly signal?: AbortSignal | undefined }): Request {
  const request = new Request(parts);
  if (parts.signal?.aborted) request.abort();
  parts.signal?.addEventListener("abort", () => request.abort(), { once: true });
  return request;
}

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
  readonly faults?: readonly (Fault | undefined)[];
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

function faultOf(driver: Driver, error: unknown): Fault {
  if (FaultError.is(error)) return error.fault;
  try {
    return driver.classify(error);
  } catch {
    // If `classify` throws, the effect of the request is unknown.
    return { code: "internal", retryable: false, effect: "unknown" };
  }
}

const wrongAnswer: Fault = Object.freeze({
  code: "internal",
  retryable: false,
  effect: "none",
  reason: "the driver returned the wrong number of values",
});

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
  // With too few values, core would report unread keys as missing.
  if (!isWrite(kind) && values?.length !== size) return wholeFault(size, wrongAnswer);
  if (faults.length + left.length === 0) return { answer };
  const byIndex = new Array<Fault | undefined>(size).fill(undefined);
  for (const index of left) byIndex[index] = explained(unprocessed);
  for (const each of faults) byIndex[each.index] = explained(each);
  return { answer, faults: byIndex };
}

function isWrite(kind: keyof Answers): boolean {
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
