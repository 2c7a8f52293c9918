import type { OutcomeCounts } from "./batch-error.js";
import type { ServerAddress } from "./driver.js";
import type { StoreErrorCode } from "./errors.js";

interface Event {
  readonly driver: string;
  readonly server: ServerAddress | undefined;
  readonly bucket: string;
  /** For a call: the method, such as `getMany`. For an attempt: `get`, `set`, `delete`, `exists`, `list` or `provision`. */
  readonly operation: string;
  /** Keys in the caller's input or in the request. */
  batchSize: number;
  /** In milliseconds. Present at the end, like `code` and `reason`. */
  duration?: number;
  /** Code of the error or of the request's first fault. */
  code?: StoreErrorCode;
  /** The engine's own code. */
  reason?: string;
}

/** The message of the tracing channel `manykv:call`: one object for each call of a bucket or store. */
export interface CallEvent extends Event {
  /** Ties the attempts to their call. Unique in this process. */
  readonly id: string;
  /** For a write, at its end: how many entries had each outcome. */
  outcomes?: OutcomeCounts;
  /** What the call rejected with. */
  error?: unknown;
}

/** The message of the tracing channel `manykv:attempt`: one object for each request to the backend. */
export interface AttemptEvent extends Event {
  /** The `id` of the call. */
  readonly callId: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** At the end: keys that were not done. */
  undone?: number;
}

interface Channel {
  publish(message: object): void;
  runStores<Result>(message: object, run: () => Result): Result;
}

/** What manykv uses of a `TracingChannel` of `node:diagnostics_channel`. */
export interface Tracing {
  readonly hasSubscribers: boolean;
  readonly start: Channel;
  readonly end: Channel;
  readonly asyncStart: Channel;
  readonly asyncEnd: Channel;
  readonly error: Channel;
}

interface Host {
  process?: {
    getBuiltinModule?(id: string): { tracingChannel(name: string): Tracing } | undefined;
  };
}

/** Returns a tracing channel; `undefined` in browsers and before Node.js 20.16, which have no `getBuiltinModule`. */
export function tracingChannel(name: string): Tracing | undefined {
  return (globalThis as Host).process?.getBuiltinModule?.("node:diagnostics_channel")?.tracingChannel(name);
}

/**
 * Publishes the start and end of `run`. Unlike `tracePromise` it does not add the result to the event, because events may
 * be logged and results contain values.
 *
 * @param complete - completes the event before its end is published
 */
export function trace<Result>(
  channel: Tracing,
  event: CallEvent | AttemptEvent,
  run: () => Promise<Result>,
  complete: (result: Result | undefined, error?: unknown) => void,
): Promise<Result> {
  return channel.start.runStores(event, () => {
    const running = run();
    channel.end.publish(event);
    return running.then(
      (result) => {
        complete(result);
        channel.asyncStart.publish(event);
        channel.asyncEnd.publish(event);
        return result;
      },
      (error: unknown) => {
        complete(undefined, error);
        channel.error.publish(event);
        channel.asyncStart.publish(event);
        channel.asyncEnd.publish(event);
        throw error;
      },
    );
  });
}
