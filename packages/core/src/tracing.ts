import type { Response } from "./call/attempt.js";
import type { Call } from "./call/call.js";
import { now } from "./clock.js";
import type { Fault, ServerAddress, WriteAnswer } from "./driver.js";
import { unprocessed } from "./driver-kit.js";
import { BatchError, type OutcomeCounts, type StoreErrorCode } from "./errors.js";

interface Event {
  readonly driver: string;
  readonly server: ServerAddress | undefined;
  readonly bucket: string;
  /** For a call: the method, such as `getMany`. For an attempt: the driver's method, such as `get` or `list`. */
  readonly operation: string;
  /** Number of keys in the caller's input or, for an attempt, in the request. 1 for a call without keys. */
  batchSize: number;
  /** The duration in milliseconds. Set at the end of the call or attempt, like `code` and `reason`. */
  duration?: number;
  /** The code of the call's error or, for an attempt, of the first fault. */
  code?: StoreErrorCode;
  /** The error code of the engine or Node.js, or a short text from the driver. */
  reason?: string;
}

/**
 * The message of the tracing channel `manykv:call`: one object for each call of a bucket method, of `provision` or of
 * `describe`, and for each coalesced batch.
 */
export interface CallEvent extends Event {
  /** Unique in this process. The events of the call's attempts contain it as `callId`. */
  readonly id: string;
  /** For a write: the number of entries with each outcome. Set at the end of the call. */
  outcomes?: OutcomeCounts;
  /**
   * For a write: the number of entries with a lost request that may still take effect later, even if a repetition was
   * acknowledged. Absent if that number is 0. Set at the end of the call.
   */
  unsettled?: number;
  /** The error that the call rejected with. Set at the end of the call. */
  error?: unknown;
}

/** The message of the tracing channel `manykv:attempt`: one object for each request to the backend. */
export interface AttemptEvent extends Event {
  /** The `id` of the {@link CallEvent}. */
  readonly callId: string;
  /** Number of the attempt, starting at 1. Each request of a call counts its own attempts. */
  readonly attempt: number;
  /** Number of keys that failed or that the backend left unprocessed. Set at the end of the attempt. */
  undone?: number;
}

/**
 * The message of the tracing channel `manykv:fence`: one object for each fence, which ensures that a lost write takes no
 * effect later. The `operation` is `fence`, and the `batchSize` is the number of keys of the lost write. At the end, `code`
 * and `reason` say why the fence failed. They are absent if it succeeded.
 */
export interface FenceEvent extends Event {
  /** The `id` of the {@link CallEvent}. */
  readonly callId: string;
}

interface Channel {
  readonly hasSubscribers: boolean;
  publish(message: object): void;
  runStores<Result>(message: object, run: () => Result): Result;
}

/** The part of `TracingChannel` that manykv uses. Lets browser programs compile without the types of Node.js. */
type Tracing = { readonly [Name in "start" | "end" | "asyncStart" | "asyncEnd" | "error"]: Channel };

/** Returns a tracing channel, or `undefined` if `getBuiltinModule` is missing: in browsers and before Node.js 20.16. */
export function openTracing(name: string): Tracing | undefined {
  type Process = { getBuiltinModule?(id: string): { tracingChannel(name: string): Tracing } };
  const { process } = globalThis as { process?: Process };
  return process?.getBuiltinModule?.("node:diagnostics_channel").tracingChannel(name);
}

/** Returns whether a tracing channel has subscribers. Bun lacks `TracingChannel.hasSubscribers`. */
export function isTraced(tracing: Tracing | undefined): tracing is Tracing {
  if (tracing === undefined) return false;
  const { start, end, asyncStart, asyncEnd, error } = tracing;
  const firsts = start.hasSubscribers || end.hasSubscribers || error.hasSubscribers;
  return firsts || asyncStart.hasSubscribers || asyncEnd.hasSubscribers;
}

/** Runs a call and publishes its event on the channel `manykv:call`. */
export function traceCall<Result>(call: Call, run: () => Promise<Result>): Promise<Result> {
  const { core, operation } = call;
  call.id = core.newCallId();
  const event = { id: call.id, ...eventOf(call, operation, call.batchSize) };
  return trace(core.callTracing as Tracing, event, run, (_, error) => {
    const { batchSize, unsettled } = call;
    const isApplied = /^(set|delete|increment)/.test(operation) && error === undefined;
    const applied = isApplied && { applied: batchSize, "not-applied": 0, unknown: 0 };
    const outcomes = BatchError.is(error) ? error.counts : applied;
    return {
      batchSize,
      ...(outcomes && { outcomes }),
      ...(unsettled > 0 && { unsettled }),
      ...(error !== undefined && { error, ...causeOf(error as Cause) }),
    };
  });
}

/** Runs an attempt and publishes its event on the channel `manykv:attempt`. */
export function traceAttempt<Result extends Response<unknown>>(
  call: Call,
  operation: string,
  batchSize: number,
  attempt: number,
  run: () => Promise<Result>,
): Promise<Result> {
  const { core } = call;
  call.id ||= core.newCallId();
  const event = { callId: call.id, ...eventOf(call, operation, batchSize), attempt };
  return trace(core.attemptTracing as Tracing, event, run, (result) => {
    const { faults = [], unprocessed: left = [] } = (result?.answer ?? {}) as WriteAnswer;
    const undone = result?.fault === undefined ? faults.length + left.length : batchSize;
    const fault = result?.fault ?? faults[0] ?? (left.length > 0 ? unprocessed : undefined);
    return { undone, ...(fault && causeOf(fault)) };
  });
}

/** Runs a fence and publishes its event on the channel `manykv:fence`. `run` returns why the fence failed. */
export function traceFence(
  call: Call,
  batchSize: number,
  run: () => Promise<Fault | undefined>,
): Promise<Fault | undefined> {
  call.id ||= call.core.newCallId();
  const event = { callId: call.id, ...eventOf(call, "fence", batchSize) };
  return trace(call.core.fenceTracing as Tracing, event, run, (fault) => (fault === undefined ? {} : causeOf(fault)));
}

interface Cause {
  readonly code?: StoreErrorCode | undefined;
  readonly reason?: string | undefined;
}

function eventOf({ core: { driver }, bucket }: Call, operation: string, batchSize: number): Event {
  return { driver: driver.name, server: driver.server, operation, bucket, batchSize };
}

function causeOf({ code = "internal", reason }: Cause): Partial<Event> {
  return reason === undefined ? { code } : { code, reason };
}

/**
 * Calls `run` and publishes its start and end. Unlike Node's `tracePromise`, omits the result from the event, because
 * results contain values and programs may log events. `complete` returns the fields to set at the end.
 */
function trace<Result>(
  channel: Tracing,
  event: CallEvent | AttemptEvent | FenceEvent,
  run: () => Promise<Result>,
  complete: (result: Result | undefined, error?: unknown) => Partial<CallEvent & AttemptEvent>,
): Promise<Result> {
  const start = now();
  const end = (result: Result | undefined, error?: unknown): void => {
    Object.assign(event, complete(result, error), { duration: now() - start });
    if (error !== undefined) channel.error.publish(event);
    channel.asyncStart.publish(event);
    channel.asyncEnd.publish(event);
  };
  return channel.start.runStores(event, async () => {
    const running = run();
    channel.end.publish(event);
    running.then(end, (error) => end(undefined, error));
    return running;
  });
}
