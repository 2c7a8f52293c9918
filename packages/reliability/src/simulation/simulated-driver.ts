import { identify } from "@manykv/conformance/checker";
import {
  allDone,
  type Driver,
  type DriverLimits,
  type DriverRequest,
  type Fault,
  type ItemFault,
  type KeysRequest,
  type ListAnswer,
  type ListRequest,
  type ReadAnswer,
  type SetRequest,
  type WriteAnswer,
} from "@manykv/core/driver";
import { checkRequest } from "./driver-contract.js";
import type { FaultPlan } from "./fault-plan.js";
import type { Attempt, Oracle } from "./oracle.js";

/** An error with the fault that `classify` returns. If `fault` is `undefined`, `classify` throws. */
class SimulatedError extends Error {
  readonly fault: Fault | undefined;

  constructor(fault: Fault | undefined) {
    super("simulated");
    this.fault = fault;
  }
}

type Fence = (request: DriverRequest) => Promise<void>;

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
    if (exists) this.exists = (request) => this.#read(request, (value) => value !== undefined);
  }

  get(request: KeysRequest): Promise<ReadAnswer<Uint8Array<ArrayBuffer> | undefined>> {
    return this.#read(request, (value) => value);
  }

  set(request: SetRequest): Promise<WriteAnswer> {
    const values = (request.prepared as readonly Uint8Array[] | undefined) ?? request.values;
    return this.#write(request, "set", values);
  }

  delete(request: KeysRequest): Promise<WriteAnswer> {
    return this.#write(request, "delete", undefined);
  }

  async list(request: ListRequest): Promise<ListAnswer> {
    const { bucket, cursor } = request;
    const kind = this.#plan.kind();
    await pause(this.#plan.time());
    if (kind === "hang") return new Promise<never>(() => {});
    if (kind === "silent") await aborted(request);
    if (kind !== "none" && kind !== "answer-late") throw new SimulatedError(this.#plan.fault("none"));
    const keys = this.#oracle.keys(`${bucket}/`).filter((key) => cursor === undefined || key > cursor);
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

  #read<Value>(
    request: KeysRequest,
    of: (value: Uint8Array<ArrayBuffer> | undefined) => Value,
  ): Promise<ReadAnswer<Value>> {
    checkRequest(this.#oracle, this, request, "get");
    const kind = this.#plan.kind();
    if (kind === "throw") throw new SimulatedError(this.#plan.fault("unknown"));
    return this.#answerRead(request, of, kind);
  }

  async #answerRead<Value>(
    request: KeysRequest,
    of: (value: Uint8Array<ArrayBuffer> | undefined) => Value,
    kind: ReturnType<FaultPlan["kind"]>,
  ): Promise<ReadAnswer<Value>> {
    const { bucket, keys } = request;
    await pause(this.#plan.time());
    const values = keys.map((key) => of(this.#oracle.valueOf(`${bucket}/${key}`)));
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
    kind: "set" | "delete",
    values: readonly Uint8Array[] | undefined,
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
    return this.#answerWrite(request, attempts, values, kinds);
  }

  async #answerWrite(
    request: KeysRequest,
    attempts: readonly Attempt[],
    values: readonly Uint8Array[] | undefined,
    kind: ReturnType<FaultPlan["kind"]>,
  ): Promise<WriteAnswer> {
    const inTime = (): boolean => !request.aborted && performance.now() < request.deadline - 1;
    const isWhole = this.prepareSet !== undefined && values !== undefined;
    const apply = (index: number): void => this.#oracle.land(attempts[index] as Attempt, values?.[index]);
    await pause(this.#plan.time());
    switch (kind) {
      case "none":
      case "answer-late":
        for (const index of attempts.keys()) apply(index);
        await pause(kind === "none" ? this.#plan.time() : this.#plan.lateness());
        for (const attempt of attempts) conclude(attempt, "done", inTime());
        return allDone;
      case "keys":
        if (!isWhole) return this.#writeKeys(attempts, values, inTime());
        throw this.#refuse(attempts, inTime());
      case "reject":
        if (this.#plan.chance(0.4)) throw this.#refuse(attempts, inTime());
        throw new SimulatedError({
          ...this.#plan.fault("unknown"),
          ...this.#lose(attempts, values, inTime()),
        });
      case "silent": {
        const heard = inTime();
        await aborted(request);
        const fault = { ...this.#plan.fault("unknown"), ...this.#lose(attempts, values, heard) };
        if (isWhole) throw new SimulatedError(fault);
        return { faults: attempts.map((_, index) => ({ ...fault, index })) };
      }
      case "hang":
        this.#lose(attempts, values, false);
        return new Promise<never>(() => {});
      default:
        this.#lose(attempts, values, false);
        throw new SimulatedError(undefined);
    }
  }

  /** Chooses the result of each key separately. Lost keys share one fence, like the keys of one connection. */
  #writeKeys(attempts: readonly Attempt[], values: readonly Uint8Array[] | undefined, inTime: boolean): WriteAnswer {
    const unprocessed: number[] = [];
    const faults: ItemFault[] = [];
    const lost: number[] = [];
    for (const [index, attempt] of attempts.entries()) {
      const key = this.#plan.key();
      if (key === "unknown") lost.push(index);
      else conclude(attempt, key, inTime);
      if (key === "done") this.#oracle.land(attempt, values?.[index]);
      if (key === "unprocessed") unprocessed.push(index);
      if (key === "none") faults.push({ ...this.#plan.fault("none"), index });
    }
    const lostAttempts = lost.map((index) => attempts[index] as Attempt);
    const lostValues = values && lost.map((index) => values[index] as Uint8Array);
    const fence = this.#lose(lostAttempts, lostValues, inTime);
    for (const index of lost) faults.push({ ...this.#plan.fault("unknown"), ...fence, index });
    return { unprocessed, faults };
  }

  #refuse(attempts: readonly Attempt[], inTime: boolean): SimulatedError {
    for (const attempt of attempts) conclude(attempt, "none", inTime);
    return new SimulatedError(this.#plan.fault("none"));
  }

  /** Loses the response. The plan decides whether and when each key's write takes effect, and what the fence does. */
  #lose(
    attempts: readonly Attempt[],
    values: readonly Uint8Array[] | undefined,
    offersFence: boolean,
  ): { fence?: Fence } {
    const kept = values?.map((value) => value.slice());
    for (const [index, attempt] of attempts.entries()) {
      conclude(attempt, "unknown", true);
      const effect = this.#plan.effect();
      if (effect === "at-once") this.#oracle.land(attempt, kept?.[index]);
      if (effect === "late") {
        setTimeout(() => this.#oracle.land(attempt, kept?.[index]), this.#plan.lateness());
      }
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
