import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import { type Abilities, type Bucket, type Finding, StoreError, type StoreErrorCode } from "@manykv/core";
import { elapsed, runRounds, spread } from "@manykv/measure";
import { inCommandTerms } from "../errors.js";
import type { Interrupt } from "../interrupt.js";

/** A method of a bucket, or the option `ifAbsent` of `set`. */
type OperationName =
  | "get"
  | "getMany"
  | "exists"
  | "ttlMany"
  | "listKeys"
  | "set"
  | "delete"
  | "setMany"
  | "ifAbsent"
  | "increment"
  | "compareAndSwap"
  | "deleteMany";

/** What happened when `doctor` tried an operation. */
export interface Operation {
  readonly name: OperationName;
  readonly status: "succeeded" | "failed" | "skipped";
  /** The error of a failed operation. */
  readonly code?: StoreErrorCode;
  readonly reason?: string;
  /** Why the operation failed or was skipped. */
  readonly message?: string;
}

/** How long a call takes that reads a missing key: the median and the quartiles, in milliseconds. */
export interface Latency {
  readonly calls: number;
  readonly median: number;
  readonly low: number;
  readonly high: number;
  readonly slowest: number;
}

export interface Trial {
  readonly operations: readonly Operation[];
  /** `undefined` if the store cannot read. */
  readonly latency: Latency | undefined;
  readonly findings: readonly Finding[];
}

export interface TrialOptions {
  readonly abilities: Abilities;
  readonly readOnly: boolean;
  readonly interrupt: Interrupt;
}

/** Tries the operations with keys that no program uses, and deletes these keys. */
export async function tryOperations(bucket: Bucket, options: TrialOptions): Promise<Trial> {
  const trial = new OperationTrial(bucket, options);
  try {
    return await trial.run();
  } finally {
    await trial.cleanUp();
  }
}

/** If the user may not delete keys, the only key that was written expires after this time, in milliseconds. */
const lifetime = 600_000;
const rounds = { warmUpRounds: 5, rounds: 100, seconds: 2 };
const staleRounds = 10;

/** Faults that concern every operation, so that trying the others would only take time. */
const generalFaults: readonly StoreErrorCode[] = ["timeout", "unavailable", "connection-lost", "throttled"];

class OperationTrial {
  readonly #bucket: Bucket;
  readonly #abilities: Abilities;
  readonly #readOnly: boolean;
  readonly #interrupt: Interrupt;
  readonly #operations: Map<OperationName, Operation> = new Map();
  readonly #findings: Finding[] = [];
  readonly #key: string = `doctor-${randomUUID()}`;
  readonly #other: string = `doctor-${randomUUID()}`;
  /** Why the remaining operations are skipped. */
  #obstacle: string | undefined;
  /** Whether keys that this trial wrote may exist. */
  #isDirty = false;

  constructor(bucket: Bucket, { abilities, readOnly, interrupt }: TrialOptions) {
    this.#bucket = bucket;
    this.#abilities = abilities;
    this.#readOnly = readOnly;
    this.#interrupt = interrupt;
  }

  async run(): Promise<Trial> {
    await this.#tryReads();
    const latency = this.#succeeded("get") ? await this.#measureLatency() : undefined;
    await this.#tryWrites();
    this.#reportFailures();
    return { operations: [...this.#operations.values()], latency, findings: this.#findings };
  }

  /** Deletes the keys of a trial that ended early. */
  async cleanUp(): Promise<void> {
    if (!this.#isDirty) return;
    const { abort } = this.#interrupt;
    await this.#bucket.deleteMany([this.#key, this.#other], { signal: abort, timeout: 1_000 }).catch(() => {});
  }

  async #tryReads(): Promise<void> {
    const [bucket, key, other, calls] = [this.#bucket, this.#key, this.#other, this.#calls];
    await this.#try("get", () => bucket.get(key, calls));
    await this.#try("getMany", () => bucket.getMany([key, other], calls));
    await this.#try("exists", () => bucket.exists(key, calls));
    await this.#try("ttlMany", () => bucket.ttlMany([key, other], calls), this.#abilities.ttl);
    await this.#try("listKeys", () => bucket.listKeys({ ...calls, prefix: key }));
  }

  async #tryWrites(): Promise<void> {
    const [bucket, key, other, calls] = [this.#bucket, this.#key, this.#other, this.#calls];
    if (this.#readOnly) this.#obstacle = "--read-only";
    const value = Buffer.from("1");
    const ttl = this.#abilities.ttl ? lifetime : undefined;
    await this.#try("set", () => bucket.set(key, value, { ...calls, ttl }));
    this.#isDirty = this.#operations.get("set")?.status !== "skipped";
    await this.#try("delete", () => bucket.delete(key, calls));
    if (!this.#succeeded("delete")) this.#obstacle ??= "delete failed, so the keys would remain";
    if (this.#succeeded("set") && this.#succeeded("get") && this.#succeeded("delete")) await this.#checkReads(ttl);
    const { ifAbsent, increment, compareAndSwap } = this.#abilities;
    const entries = [key, other].map((each) => [each, value] as const);
    await this.#try("setMany", () => bucket.setMany(entries, calls));
    await this.#try("ifAbsent", () => this.#setAbsent(), ifAbsent);
    await this.#try("increment", () => bucket.increment(key, 1, calls), increment);
    const change = { expected: value, value: undefined };
    await this.#try("compareAndSwap", () => bucket.compareAndSwap(other, change, calls), compareAndSwap);
    await this.#try("deleteMany", () => bucket.deleteMany([key, other], calls));
    if (this.#succeeded("deleteMany")) this.#isDirty = false;
  }

  /** Sets a key if it does not exist. If `setMany` succeeded, it does, so the store refuses. */
  async #setAbsent(): Promise<void> {
    try {
      await this.#bucket.set(this.#key, Buffer.from("1"), { ...this.#calls, ifAbsent: true });
    } catch (error) {
      if (!StoreError.is(error) || error.code !== "precondition-failed") throw error;
    }
  }

  /** Tries an operation, unless the store lacks the ability or an earlier failure makes it pointless. */
  async #try(name: OperationName, call: () => Promise<unknown>, isAble = true): Promise<void> {
    const skip = isAble ? this.#obstacle : "the store lacks this ability";
    if (skip !== undefined) {
      this.#operations.set(name, { name, status: "skipped", message: skip });
      return;
    }
    try {
      await call();
      this.#operations.set(name, { name, status: "succeeded" });
    } catch (error) {
      if (!StoreError.is(error) || this.#interrupt.stop.aborted) throw error;
      const { code, reason, message } = error;
      const shown = inCommandTerms(message);
      this.#operations.set(name, { name, status: "failed", code, ...(reason && { reason }), message: shown });
      if (generalFaults.includes(code)) this.#obstacle = `${name} failed`;
    }
  }

  async #measureLatency(): Promise<Latency> {
    const times: number[] = [];
    await runRounds(rounds, async (_, counts) => {
      const time = await elapsed(() => this.#bucket.get(this.#key, this.#calls));
      if (counts) times.push(time);
    });
    return { calls: times.length, ...spread(times), slowest: Math.max(...times) };
  }

  /** Reads a key after each of several writes. A replica would now and then return an older value, or none. */
  async #checkReads(ttl: number | undefined): Promise<void> {
    let stale = 0;
    for (let round = 0; round < staleRounds; round++) {
      const value = Buffer.from(`${round}`);
      await this.#bucket.set(this.#key, value, { ...this.#calls, ttl });
      const found = await this.#bucket.get(this.#key, this.#calls);
      if (found === undefined || !value.equals(found)) stale++;
    }
    if (stale === 0) return;
    const message =
      `${stale} of ${staleRounds} reads did not return the value whose write was acknowledged before: a proxy may send ` +
      "reads to replicas. Send all requests to the primary.";
    this.#findings.push({ code: "stale-reads", severity: "data-loss", message });
  }

  #reportFailures(): void {
    const failed = [...this.#operations.values()].filter(({ status }) => status === "failed");
    if (failed.length === 0) return;
    const causes = new Map<string, string[]>();
    for (const { name, code, reason } of failed) {
      const cause = `${code}${reason === undefined ? "" : ` (${reason})`}`;
      causes.set(cause, [...(causes.get(cause) ?? []), name]);
    }
    const sentences = [...causes].map(([cause, names]) => `These operations fail with ${cause}: ${names.join(", ")}.`);
    if (failed.some(({ code }) => code === "access-denied")) {
      sentences.push(
        "If the user may use only some buckets, pass one of them with --bucket. If it may only read, pass --read-only.",
      );
    }
    if (this.#succeeded("set") && !this.#succeeded("delete")) {
      const end = this.#abilities.ttl ? `expires within ${lifetime / 60_000} minutes` : "remains: delete it";
      sentences.push(`The key ${JSON.stringify(this.#key)} in the bucket ${JSON.stringify(this.#bucket.name)} ${end}.`);
    }
    this.#findings.push({ code: "operations-fail", severity: "warning", message: sentences.join(" ") });
  }

  #succeeded(name: OperationName): boolean {
    return this.#operations.get(name)?.status === "succeeded";
  }

  get #calls(): { readonly signal: AbortSignal } {
    return { signal: this.#interrupt.stop };
  }
}
