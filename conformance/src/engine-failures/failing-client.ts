import type { Bucket, Store, StoreOptions } from "@manykv/core";
import type { Driver } from "@manykv/core/driver";
import type { CaseContext } from "../case-context.js";
import type { Operation } from "../faults/call-fault.js";
import { wrapDriver } from "../faults/wrap-driver.js";
import type { EngineFailure, FailingEngine, FailureMarks } from "../harness.js";
import { canary } from "../support/no-leak.js";
import { randomName } from "../support/random-name.js";

/** A client whose engine can fail, and a second client that shows what the engine stores. */
export interface FailingClient {
  readonly failure: EngineFailure;
  readonly driver: Driver;
  readonly bucketName: string;
  /** The same bucket, through the second client. Use it only while the failure is stopped. */
  readonly direct: Bucket;
  readonly directStore: Store;
  start(): Promise<void>;
  stop(): Promise<void>;
  close(): Promise<void>;
  /** Returns a name that contains the canary, a mark and `word`. */
  keyOf(fails: boolean, word: string): string;
  /** Creates a store whose client stops the failure when `operation` has failed `times` times. */
  storeThatStops(operation: Operation, times: number, options: StoreOptions): StopsAfter;
}

export interface StopsAfter {
  readonly store: Store;
  /** Number of requests that have failed. */
  readonly failed: () => number;
}

/**
 * Opens the clients of a failure. Uses the second client that `sharedDirect` returns unless the failure has one. The suite
 * closes the clients when the case ends, unless the case has closed them.
 */
export async function openFailing(
  context: CaseContext,
  failure: EngineFailure,
  sharedDirect: () => Promise<Store>,
): Promise<FailingClient> {
  const marks: FailureMarks = { failing: randomName(), working: randomName() };
  const engine = await failure.open(marks);
  const driver = context.track(engine.driver);
  let isClosed = false;
  const close = async (): Promise<void> => {
    if (isClosed) return;
    isClosed = true;
    await engine.stop();
    await driver.close();
    await engine.close?.();
  };
  context.onClose(close);
  const directStore =
    engine.direct === undefined ? await sharedDirect() : context.storeOf(context.track(engine.direct));
  const bucketName = context.bucketName();
  const direct = await directStore.open(bucketName);
  const stop = async (): Promise<void> => engine.stop();
  return {
    failure,
    driver,
    bucketName,
    direct,
    directStore,
    start: async () => engine.start(),
    stop,
    close: async () => {
      await close();
      if (engine.direct !== undefined) await directStore.close();
    },
    keyOf: (fails, word) => `${canary} ${fails ? marks.failing : marks.working} ${word}`,
    storeThatStops(operation, times, options) {
      const { driver: counting, failed } = stopsAfter(driver, operation, times, stop);
      return { store: context.storeOf(counting, options), failed };
    },
  };
}

/** Returns a driver that calls `stop` when requests of `operation` have failed `times` times. */
function stopsAfter(
  inner: Driver,
  operation: Operation,
  times: number,
  stop: FailingEngine["stop"],
): { readonly driver: Driver; readonly failed: () => number } {
  let count = 0;
  let stopped: Promise<void> | undefined;
  const note = async (): Promise<void> => {
    if (++count < times) return;
    // Requests that fail meanwhile also wait. Otherwise, they would use up their retries.
    stopped ??= (async () => stop())();
    await stopped;
  };
  const method = inner[operation]?.bind(inner) as ((request: unknown) => Promise<Partial<FailedAnswer>>) | undefined;
  const send = async (request: unknown): Promise<unknown> => {
    try {
      const answer = await method?.(request);
      const { faults = [], unprocessed = [] } = answer ?? {};
      if (unprocessed.length > 0 || faults.some(({ code }) => code !== "precondition-failed")) await note();
      return answer;
    } catch (error) {
      await note();
      throw error;
    }
  };
  // Several stores use the driver, one after the other, so none of them may close it.
  const driver = wrapDriver(inner, { [operation]: send, close: async () => {} } as Partial<Driver>);
  return { driver, failed: () => count };
}

interface FailedAnswer {
  readonly faults: readonly { readonly code: string }[] | undefined;
  readonly unprocessed: readonly number[] | undefined;
}
