import { type Driver, type Fault, FaultError, type WriteAnswer } from "@manykv/core/driver";
import { type Operation, operations } from "../faults/call-fault.js";
import { onFault } from "../faults/fault-listeners.js";
import { type AnyRequest, keysOf, wrapDriver } from "../faults/wrap-driver.js";
import { RequestLog } from "./request-log.js";

const writing: readonly Operation[] = ["set", "setIfAbsent", "increment", "compareAndSwap"];

type Fence = NonNullable<Fault["fence"]>;

const caseEnded: Fault = { code: "aborted", retryable: false, effect: "none", reason: "the case has ended" };

/**
 * The drivers that a case opened. Logs their requests and errors, and knows which drivers are still open and which keys
 * the case may have written.
 */
export class WatchedDrivers {
  readonly log: RequestLog = new RequestLog();
  /** The keys that the case may have written, by bucket. */
  readonly written: Map<string, Set<string>> = new Map();
  readonly #open = new Set<Driver>();
  /** The logged fence of each fence of a driver. */
  readonly #fences = new WeakMap<Fence, Fence>();
  #count = 0;
  #endedCount = 0;

  /** Returns a driver that forwards every call to `driver` and watches it. */
  watch(driver: Driver): Driver {
    const client = ++this.#count;
    this.#open.add(driver);
    const overrides: Record<string, unknown> = {
      close: async () => {
        this.#open.delete(driver);
        await this.#closeOf(driver);
      },
      classify: (error: unknown) => {
        const fault = driver.classify(error);
        this.log.classified(error, fault);
        return this.#watchFence(client, fault);
      },
    };
    for (const method of operations)
      if (driver[method] !== undefined)
        overrides[method] = (request: AnyRequest) => this.#send(client, driver, method, request);
    const watched = wrapDriver(driver, overrides as Partial<Driver>);
    onFault(watched, (what, of) => this.log.fault(what, of));
    return watched;
  }

  /** Makes every later request of the drivers so far fail, so that a case that still runs can no longer write. */
  end(): void {
    this.#endedCount = this.#count;
  }

  /** Closes every driver, even if closing another one fails. */
  async close(): Promise<void> {
    const closing = [...this.#open].map((driver) => this.#closeOf(driver));
    this.#open.clear();
    const failed = (await Promise.allSettled(closing)).find(({ status }) => status === "rejected");
    if (failed !== undefined) throw (failed as PromiseRejectedResult).reason;
  }

  async #closeOf(driver: Driver): Promise<void> {
    try {
      await driver.close();
    } catch (error) {
      this.log.error(error);
      throw error;
    }
  }

  #send(client: number, driver: Driver, method: Operation, request: AnyRequest): Promise<unknown> {
    if (client <= this.#endedCount) return Promise.reject(new FaultError(caseEnded));
    if (writing.includes(method)) this.#noteKeys(request);
    const logged = this.log.request(client, method, request);
    const failed = (error: unknown): never => {
      logged.failed(error);
      if (!FaultError.is(error) || error.fault?.fence === undefined) throw error;
      throw new FaultError(this.#watchFence(client, error.fault), error.message, { cause: error });
    };
    let answer: unknown;
    try {
      answer = (driver[method] as (request: AnyRequest) => unknown).call(driver, request);
    } catch (error) {
      return failed(error);
    }
    // Returns the derived promise: otherwise a rejection that core does not handle would count as handled.
    return Promise.resolve(answer).then((given) => {
      logged.answered(given);
      const { faults } = (given ?? {}) as WriteAnswer;
      if (faults?.some(({ fence }) => fence !== undefined) !== true) return given;
      return { ...(given as WriteAnswer), faults: faults.map((fault) => this.#watchFence(client, fault)) };
    }, failed);
  }

  /** Returns a fault whose fence is logged, because core hides why a fence fails. Keys that share a fence still do. */
  #watchFence<Given extends Fault>(client: number, fault: Given): Given {
    const fence = fault?.fence;
    if (fence === undefined) return fault;
    const known = this.#fences.get(fence);
    if (known !== undefined) return { ...fault, fence: known };
    const watched: Fence = async (request) => {
      const logged = this.log.request(client, "fence", request);
      try {
        await fence(request);
      } catch (error) {
        logged.failed(error);
        throw error;
      }
      logged.answered(undefined);
    };
    this.#fences.set(fence, watched);
    return { ...fault, fence: watched };
  }

  #noteKeys(request: AnyRequest): void {
    const { bucket = "" } = request;
    const keys = this.written.get(bucket) ?? new Set();
    this.written.set(bucket, keys);
    for (const key of keysOf(request)) keys.add(key);
  }
}
