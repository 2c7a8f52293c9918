import { identify } from "@manykv/conformance";
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
  type PreparedSet,
  type ReadAnswer,
  type SetRequest,
  type WriteAnswer,
} from "@manykv/core";
import { checkRequest } from "./driver-contract.js";
import type { FaultPlan } from "./fault-plan.js";
import type { Attempt, Truth } from "./truth.js";

/** An error that carries what `classify` makes of it, or that `classify` fails on. */
class SimulatedError extends Error {
  readonly fault: Fault | undefined;

  constructor(fault: Fault | undefined) {
    super("simulated");
    this.fault = fault;
  }
}

type Fence = (request: DriverRequest) => Promise<void>;

const pageSize = 3;

/** What a driver does with the values of a request: it keeps the arrays, copies the bytes, or prepares them first. */
export type ValuesKind = "keeps" | "copies" | "prepares";

function prepareCopies(_bucket: string, keys: readonly string[], values: readonly Uint8Array[]): PreparedSet {
  const copies = values.map((value) => value.slice());
  return { keys, valueAt: (index) => copies[index] as Uint8Array };
}

/** One client's driver over the simulated engine. Its client makes one call at a time: `call` is its number. */
export class SimulatedDriver implements Driver {
  readonly name = "simulated";
  readonly limits: DriverLimits;
  readonly keepsValues: boolean;
  readonly prepareSet?: NonNullable<Driver["prepareSet"]>;
  call = 0;
  closed = false;
  exists?: (request: KeysRequest) => Promise<ReadAnswer<boolean>>;
  readonly #truth: Truth;
  readonly #plan: FaultPlan;

  constructor(truth: Truth, plan: FaultPlan, limits: DriverLimits, values: ValuesKind, hasExists: boolean) {
    this.#truth = truth;
    this.#plan = plan;
    this.limits = limits;
    this.keepsValues = values === "keeps";
    if (values === "prepares") this.prepareSet = prepareCopies;
    if (hasExists) {
      this.exists = (request) => this.#read(request, (value) => value !== undefined);
    }
  }

  get(request: KeysRequest): Promise<ReadAnswer<Uint8Array | undefined>> {
    return this.#read(request, (value) => value);
  }

  set(request: SetRequest): Promise<WriteAnswer> {
    const { keys, prepared, values } = request;
    const own = prepared?.keys === keys ? keys.map((_, index) => prepared.valueAt(index)) : values;
    return this.#write(request, "set", own);
  }

  delete(request: KeysRequest): Promise<WriteAnswer> {
    return this.#write(request, "delete", undefined);
  }

  async list({ bucket, cursor, signal }: ListRequest): Promise<ListAnswer> {
    const kind = this.#plan.kind();
    await pause(this.#plan.time());
    if (kind === "hang") return new Promise<never>(() => {});
    if (kind === "silent") await fired(signal);
    if (kind !== "none" && kind !== "answer-late") throw new SimulatedError(this.#plan.fault("none"));
    const keys = this.#truth.keys(`${bucket}/`).filter((key) => cursor === undefined || key > cursor);
    const page = keys.slice(0, pageSize);
    return keys.length > pageSize ? { keys: page, cursor: page.at(-1) as string } : { keys: page };
  }

  async close(): Promise<void> {
    if (this.closed) this.#truth.broken.push("the driver was closed twice");
    this.closed = true;
  }

  classify(error: unknown): Fault {
    const fault = error instanceof SimulatedError ? error.fault : undefined;
    if (fault === undefined) throw new Error("this driver's table of errors is broken");
    return fault;
  }

  #read<Value>(
    request: KeysRequest,
    of: (value: Uint8Array | undefined) => Value,
  ): Promise<ReadAnswer<Value>> {
    checkRequest(this.#truth, this, request, "get");
    const kind = this.#plan.kind();
    if (kind === "throw") throw new SimulatedError(this.#plan.fault("unknown"));
    return this.#answerRead(request, of, kind);
  }

  async #answerRead<Value>(
    { bucket, keys, signal }: KeysRequest,
    of: (value: Uint8Array | undefined) => Value,
    kind: ReturnType<FaultPlan["kind"]>,
  ): Promise<ReadAnswer<Value>> {
    await pause(this.#plan.time());
    const values = keys.map((key) => of(this.#truth.valueOf(`${bucket}/${key}`)));
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
        if (kind === "silent") await fired(signal);
        throw new SimulatedError(this.#plan.fault("unknown"));
    }
  }

  /** The places of keys that were not read hold what a careless driver might leave there. */
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
    checkRequest(this.#truth, this, request, kind);
    const { signal } = request;
    const attempts = request.keys.map((key, index): Attempt => {
      const value = values?.[index];
      const write = value === undefined ? 0 : identify(value);
      if (write === "torn") this.#truth.broken.push("the driver was given a value that is not whole");
      return {
        key: `${request.bucket}/${key}`,
        call: this.call,
        write: write === "torn" ? -1 : write,
        sent: this.#truth.history.tick(),
        verdict: "silent",
        inTime: false,
        fenced: false,
        ended: false,
        landings: [],
      };
    });
    this.#truth.attempts.push(...attempts);
    const kinds = this.#plan.kind();
    if (kinds === "throw") throw this.#refuse(attempts, true);
    return this.#answerWrite(attempts, values, signal, request.deadline, kinds);
  }

  async #answerWrite(
    attempts: readonly Attempt[],
    values: readonly Uint8Array[] | undefined,
    signal: AbortSignal,
    deadline: number,
    kind: ReturnType<FaultPlan["kind"]>,
  ): Promise<WriteAnswer> {
    const inTime = (): boolean => !signal.aborted && performance.now() < deadline - 1;
    const apply = (index: number): void => this.#truth.land(attempts[index] as Attempt, values?.[index]);
    await pause(this.#plan.time());
    switch (kind) {
      case "none":
      case "answer-late":
        for (const index of attempts.keys()) apply(index);
        await pause(kind === "none" ? this.#plan.time() : this.#plan.lateness());
        for (const attempt of attempts) conclude(attempt, "done", inTime());
        return allDone;
      case "keys":
        return this.#writeKeys(attempts, values, inTime());
      case "reject":
        if (this.#plan.chance(0.4)) throw this.#refuse(attempts, inTime());
        throw new SimulatedError({
          ...this.#plan.fault("unknown"),
          ...this.#lose(attempts, values, inTime()),
        });
      case "silent": {
        const heard = inTime();
        await fired(signal);
        const fault = { ...this.#plan.fault("unknown"), ...this.#lose(attempts, values, heard) };
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

  /** Keys go their own ways; those that are lost share one fence, as those of one connection do. */
  #writeKeys(
    attempts: readonly Attempt[],
    values: readonly Uint8Array[] | undefined,
    inTime: boolean,
  ): WriteAnswer {
    const unprocessed: number[] = [];
    const faults: ItemFault[] = [];
    const lost: number[] = [];
    for (const [index, attempt] of attempts.entries()) {
      const key = this.#plan.key();
      if (key === "unknown") lost.push(index);
      else conclude(attempt, key, inTime);
      if (key === "done") this.#truth.land(attempt, values?.[index]);
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

  /** The answer is lost; whether the write is lost too, the plan says. */
  #lose(
    attempts: readonly Attempt[],
    values: readonly Uint8Array[] | undefined,
    offersFence: boolean,
  ): { fence?: Fence } {
    const kept = values?.map((value) => value.slice());
    for (const [index, attempt] of attempts.entries()) {
      conclude(attempt, "unknown", true);
      const effect = this.#plan.effect();
      if (effect === "at-once") this.#truth.land(attempt, kept?.[index]);
      if (effect === "late") {
        setTimeout(() => this.#truth.land(attempt, kept?.[index]), this.#plan.lateness());
      }
    }
    const kind = this.#plan.fence();
    if (kind === "absent" || !offersFence || attempts.length === 0) return {};
    for (const attempt of attempts) attempt.fenced = kind === "works";
    return { fence: this.#fenceOf(kind, attempts) };
  }

  #fenceOf(kind: "works" | "fails" | "throws" | "hangs", attempts: readonly Attempt[]): Fence {
    return (): Promise<void> => {
      if (kind === "throws") throw new Error("a fence that throws");
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

function fired(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
