import { identify } from "@manykv/conformance/checker";
import type { SwapResult } from "@manykv/core";
import {
  addToInteger,
  type Driver,
  type DriverLimits,
  type DriverRequest,
  type Fault,
  FaultError,
  type IncrementRequest,
  type ItemFault,
  type KeysRequest,
  keyExists,
  type ListAnswer,
  type ListRequest,
  type ReadAnswer,
  type SetRequest,
  type SwapRequest,
  type WriteAnswer,
} from "@manykv/core/driver";
import { checkRequest, type RequestKind } from "./driver-contract.js";
import type { FaultPlan } from "./fault-plan.js";
import type { Attempt, Change, Oracle, Refusal, Stored } from "./oracle.js";

/** An error with the fault that `classify` returns. If `fault` is `undefined`, `classify` throws. */
class SimulatedError extends Error {
  readonly fault: Fault | undefined;

  constructor(fault: Fault | undefined) {
    super("simulated");
    this.fault = fault;
  }
}

type Fence = (request: DriverRequest) => Promise<void>;

/** Returns what a write does to the key at `index` of its request. `value` is the value to store, if there is one. */
type ChangeOf = (value: Uint8Array | undefined, index: number) => Change;

const pageSize = 3;

/** Properties in which simulated drivers differ. */
export interface SimulatedDriverOptions {
  readonly limits: DriverLimits;
  readonly exists: boolean;
  /** Whether the driver has `prepareSet`. Such a driver acknowledges or rejects each set as a whole. */
  readonly prepareSet: boolean;
}

/** The driver of one client for the simulated engine. `call` is the number of the client's current call. */
export class SimulatedDriver implements Driver {
  readonly name = "simulated";
  readonly limits: DriverLimits;
  readonly prepareSet?: NonNullable<Driver["prepareSet"]>;
  call = 0;
  closed = false;
  exists?: (request: KeysRequest) => Promise<ReadAnswer<boolean>>;
  readonly #oracle: Oracle;
  readonly #plan: FaultPlan;

  constructor(oracle: Oracle, plan: FaultPlan, { limits, exists, prepareSet }: SimulatedDriverOptions) {
    this.#oracle = oracle;
    this.#plan = plan;
    this.limits = limits;
    if (prepareSet) this.prepareSet = (_bucket, _keys, values) => values.map((value) => new Uint8Array(value));
    if (exists) this.exists = (request) => this.#read(request, (stored) => stored !== undefined);
  }

  get(request: KeysRequest): Promise<ReadAnswer<Uint8Array<ArrayBuffer> | undefined>> {
    return this.#read(request, (stored) => stored && new Uint8Array(stored.bytes));
  }

  ttl(request: KeysRequest): Promise<ReadAnswer<number | null | undefined>> {
    return this.#read(request, (stored) => {
      if (stored?.expiresAt === undefined) return stored && null;
      return Math.max(1, stored.expiresAt - performance.now());
    });
  }

  set(request: SetRequest): Promise<WriteAnswer> {
    const values = (request.prepared as readonly Uint8Array[] | undefined) ?? request.values;
    return this.#write(request, "set", values, (value, index) => () => ({
      next: storedAs(value, expiryAfter(request.ttls?.[index])),
    }));
  }

  setIfAbsent(request: SetRequest): Promise<WriteAnswer> {
    return this.#write(request, "setIfAbsent", request.values, (value, index) => (current) => {
      if (current !== undefined) return { fault: keyExists };
      return { next: storedAs(value, expiryAfter(request.ttls?.[index])) };
    });
  }

  delete(request: KeysRequest): Promise<WriteAnswer> {
    return this.#write(request, "delete", undefined, () => () => ({ next: undefined }));
  }

  async increment(request: IncrementRequest): Promise<bigint> {
    let result: bigint | undefined;
    const add = (current: Stored | undefined): ReturnType<Change> => {
      try {
        result = addToInteger(current?.bytes, request.delta);
      } catch (error) {
        return { fault: (error as FaultError).fault };
      }
      const expiresAt = current === undefined ? expiryAfter(request.ttl) : current.expiresAt;
      return { next: { bytes: new TextEncoder().encode(String(result)), saw: result, expiresAt } };
    };
    throwFault(await this.#write(request, "increment", undefined, () => add));
    return result as bigint;
  }

  async compareAndSwap(request: SwapRequest): Promise<SwapResult> {
    let result: SwapResult | undefined;
    const values = request.value && [request.value];
    const swap = (value: Uint8Array | undefined, current: Stored | undefined): ReturnType<Change> => {
      if (!areEqual(current?.bytes, request.expected)) {
        result = { swapped: false, current: current && new Uint8Array(current.bytes) };
        return { fault: undefined };
      }
      result = { swapped: true };
      return { next: storedAs(value, current?.expiresAt) };
    };
    throwFault(await this.#write(request, "compareAndSwap", values, (value) => (current) => swap(value, current)));
    return result as SwapResult;
  }

  async list(request: ListRequest): Promise<ListAnswer> {
    const { bucket, cursor, prefix } = request;
    const kind = this.#plan.kind();
    await pause(this.#plan.time());
    if (kind === "hang") return new Promise<never>(() => {});
    if (kind === "silent") await aborted(request);
    if (kind !== "none" && kind !== "answer-late") throw new SimulatedError(this.#plan.fault("none"));
    const keys = this.#oracle
      .keys(`${bucket}/`)
      .filter((key) => key.startsWith(prefix) && (cursor === undefined || key > cursor));
    const page = keys.slice(0, pageSize);
    return keys.length > pageSize ? { keys: page, cursor: page.at(-1) as string } : { keys: page };
  }

  async close(): Promise<void> {
    if (this.closed) this.#oracle.broken.push("core closed the driver more than once");
    this.closed = true;
  }

  classify(error: unknown): Fault {
    const fault = error instanceof SimulatedError ? error.fault : undefined;
    if (fault === undefined) throw new Error("classify received an error that contains no fault");
    return fault;
  }

  #read<Value>(request: KeysRequest, of: (stored: Stored | undefined) => Value): Promise<ReadAnswer<Value>> {
    checkRequest(this.#oracle, this, request, "get");
    const kind = this.#plan.kind();
    if (kind === "throw") throw new SimulatedError(this.#plan.fault("unknown"));
    return this.#answerRead(request, of, kind);
  }

  async #answerRead<Value>(
    request: KeysRequest,
    of: (stored: Stored | undefined) => Value,
    kind: ReturnType<FaultPlan["kind"]>,
  ): Promise<ReadAnswer<Value>> {
    const { bucket, keys } = request;
    await pause(this.#plan.time());
    const values = keys.map((key) => of(this.#oracle.stored(`${bucket}/${key}`)));
    switch (kind) {
      case "none":
        await pause(this.#plan.time());
        return { values };
      case "answer-late":
        await pause(this.#plan.lateness());
        return { values };
      case "hang":
        return new Promise<never>(() => {});
      case "short-answer":
        return { values: values.slice(1) };
      case "classify-throws":
        throw new SimulatedError(undefined);
      case "keys":
        return this.#partOf(values);
      default:
        if (kind === "silent") await aborted(request);
        throw new SimulatedError(this.#plan.fault("unknown"));
    }
  }

  /**
   * Returns the values of some keys, and reports the other keys as unprocessed or failed. Their value is `undefined`,
   * which core must not mistake for a missing key.
   */
  #partOf<Value>(values: readonly Value[]): ReadAnswer<Value> {
    const unprocessed: number[] = [];
    const faults: ItemFault[] = [];
    const left = values.map((value, index) => {
      const key = this.#plan.key();
      if (key === "done") return value;
      if (key === "unprocessed") unprocessed.push(index);
      else faults.push({ ...this.#plan.fault("unknown"), index });
      return undefined as Value;
    });
    return { values: left, unprocessed, faults };
  }

  #write(
    request: KeysRequest,
    kind: RequestKind,
    values: readonly Uint8Array[] | undefined,
    changeOf: ChangeOf,
  ): Promise<WriteAnswer> {
    checkRequest(this.#oracle, this, request, kind, values);
    const attempts = request.keys.map((key, index): Attempt => {
      const value = values?.[index];
      const write = value === undefined ? 0 : identify(value);
      if (write === "torn") this.#oracle.broken.push("core sent a damaged value");
      return {
        key: `${request.bucket}/${key}`,
        call: this.call,
        write: write === "torn" ? -1 : write,
        sent: this.#oracle.history.tick(),
        verdict: "silent",
        inTime: false,
        fenced: false,
        ended: false,
        landings: [],
      };
    });
    this.#oracle.attempts.push(...attempts);
    const kinds = this.#plan.kind();
    if (kinds === "throw") throw this.#refuse(attempts, true);
    const isWhole = kind === "set" && this.prepareSet !== undefined;
    return this.#answerWrite(request, { attempts, values, changeOf, isWhole }, kinds);
  }

  async #answerWrite(
    request: KeysRequest,
    write: SimulatedWrite,
    kind: ReturnType<FaultPlan["kind"]>,
  ): Promise<WriteAnswer> {
    const { attempts, isWhole } = write;
    const inTime = (): boolean => !request.aborted && performance.now() < request.deadline - 1;
    await pause(this.#plan.time());
    switch (kind) {
      case "none":
      case "answer-late": {
        const refusals = attempts.map((_, index) => this.#apply(write, index));
        await pause(kind === "none" ? this.#plan.time() : this.#plan.lateness());
        const faults: ItemFault[] = [];
        for (const [index, refusal] of refusals.entries()) {
          conclude(attempts[index] as Attempt, refusal === undefined ? "done" : "none", inTime());
          if (refusal?.fault !== undefined) faults.push({ ...refusal.fault, index });
        }
        return { faults };
      }
      case "keys":
        if (!isWhole) return this.#writeKeys(write, inTime());
        throw this.#refuse(attempts, inTime());
      case "reject":
        if (this.#plan.chance(0.4)) throw this.#refuse(attempts, inTime());
        throw new SimulatedError({
          ...this.#plan.fault("unknown"),
          ...this.#lose(write, [...attempts.keys()], inTime()),
        });
      case "silent": {
        const heard = inTime();
        await aborted(request);
        const fault = { ...this.#plan.fault("unknown"), ...this.#lose(write, [...attempts.keys()], heard) };
        if (isWhole) throw new SimulatedError(fault);
        return { faults: attempts.map((_, index) => ({ ...fault, index })) };
      }
      case "hang":
        this.#lose(write, [...attempts.keys()], false);
        return new Promise<never>(() => {});
      default:
        this.#lose(write, [...attempts.keys()], false);
        throw new SimulatedError(undefined);
    }
  }

  /** Chooses the result of each key separately. Lost keys share one fence, like the keys of one connection. */
  #writeKeys(write: SimulatedWrite, inTime: boolean): WriteAnswer {
    const unprocessed: number[] = [];
    const faults: ItemFault[] = [];
    const lost: number[] = [];
    for (const [index, attempt] of write.attempts.entries()) {
      const key = this.#plan.key();
      const refusal = key === "done" ? this.#apply(write, index) : undefined;
      if (key === "unknown") lost.push(index);
      else conclude(attempt, refusal === undefined ? key : "none", inTime);
      if (refusal?.fault !== undefined) faults.push({ ...refusal.fault, index });
      if (key === "unprocessed") unprocessed.push(index);
      if (key === "none") faults.push({ ...this.#plan.fault("none"), index });
    }
    const fence = this.#lose(write, lost, inTime);
    for (const index of lost) faults.push({ ...this.#plan.fault("unknown"), ...fence, index });
    return { unprocessed, faults };
  }

  #refuse(attempts: readonly Attempt[], inTime: boolean): SimulatedError {
    for (const attempt of attempts) conclude(attempt, "none", inTime);
    return new SimulatedError(this.#plan.fault("none"));
  }

  #apply({ attempts, values, changeOf }: SimulatedWrite, index: number): Refusal | undefined {
    return this.#oracle.land(attempts[index] as Attempt, changeOf(values?.[index], index));
  }

  /**
   * Loses the responses to some keys of a write. The plan decides whether and when each key's write takes effect, and what
   * the fence does.
   */
  #lose(write: SimulatedWrite, indexes: readonly number[], offersFence: boolean): { fence?: Fence } {
    const kept = { ...write, values: write.values?.map((value) => value.slice()) };
    const attempts = indexes.map((index) => write.attempts[index] as Attempt);
    for (const index of indexes) {
      conclude(write.attempts[index] as Attempt, "unknown", true);
      const effect = this.#plan.effect();
      if (effect === "at-once") this.#apply(kept, index);
      if (effect === "late") setTimeout(() => this.#apply(kept, index), this.#plan.lateness());
    }
    const kind = this.#plan.fence();
    if (kind === "absent" || !offersFence || attempts.length === 0) return {};
    for (const attempt of attempts) attempt.fenced = kind === "works";
    return { fence: this.#fenceOf(kind, attempts) };
  }

  #fenceOf(kind: "works" | "fails" | "throws" | "hangs", attempts: readonly Attempt[]): Fence {
    return (): Promise<void> => {
      if (kind === "throws") throw new Error("the fence throws");
      return this.#fence(kind, attempts);
    };
  }

  async #fence(kind: "works" | "fails" | "hangs", attempts: readonly Attempt[]): Promise<void> {
    if (kind === "hangs") return new Promise<never>(() => {});
    await pause(this.#plan.chance(0.5) ? 0 : 15);
    if (kind === "fails") throw new SimulatedError(this.#plan.fault("none"));
    for (const attempt of attempts) attempt.ended = true;
  }
}

/** A write request: what happens to its keys, their values, and whether they succeed or fail together. */
interface SimulatedWrite {
  readonly attempts: readonly Attempt[];
  readonly values: readonly Uint8Array[] | undefined;
  readonly changeOf: ChangeOf;
  readonly isWhole: boolean;
}

function storedAs(value: Uint8Array | undefined, expiresAt: number | undefined): Stored | undefined {
  return value && { bytes: value.slice(), saw: identify(value), expiresAt };
}

function expiryAfter(ttl: number | undefined): number | undefined {
  return ttl === undefined ? undefined : performance.now() + ttl;
}

function areEqual(left: Uint8Array | undefined, right: Uint8Array | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return Buffer.compare(left, right) === 0;
}

/** Throws the fault of the only key of a request. */
function throwFault({ faults = [], unprocessed = [] }: WriteAnswer): void {
  const [fault] = faults;
  if (fault !== undefined) throw new FaultError(fault);
  if (unprocessed.length > 0) throw new FaultError({ code: "throttled", retryable: true, effect: "none" });
}

function conclude(attempt: Attempt, verdict: Attempt["verdict"], inTime: boolean): void {
  attempt.verdict = verdict;
  attempt.inTime = inTime;
}

function pause(milliseconds: number): Promise<void> {
  return milliseconds === 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function aborted(request: DriverRequest): Promise<void> {
  if (request.aborted) return Promise.resolve();
  return new Promise((resolve) => request.onAbort(resolve));
}
