import type { Fault, SweepAnswer } from "../driver.js";
import { isErrorCode } from "../errors.js";
import { byteLengthOf } from "../input/bytes.js";
import type { SwapResult } from "../store.js";
import type { ReadKind } from "./attempt.js";

/** Returns the fault of a request if the driver breaks its contract. `rule` says what the driver must do. */
export function wrongAnswer(rule: string, effect: Fault["effect"]): Fault {
  return { code: "internal", retryable: false, effect, reason: `wrong answer of the driver: ${rule}` };
}

/** Returns `fault` if it is complete, else a fault that reports it. Core would take an incomplete fault for a success. */
export function checkedFault(fault: Fault): Fault {
  const { code, retryable, effect } = (fault ?? {}) as Partial<Fault>;
  const isComplete = isErrorCode(code) && typeof retryable === "boolean" && (effect === "none" || effect === "unknown");
  return isComplete ? fault : wrongAnswer("a fault must have `code`, `retryable` and `effect`", "unknown");
}

export function areIndexes(size: number, indexes: readonly number[]): boolean {
  return indexes.every((index) => Number.isInteger(index) && index >= 0 && index < size);
}

const { prototype } = Uint8Array;
const wrong: unique symbol = Symbol();

function isPlain(value: unknown): boolean {
  return value === undefined || (value !== null && Object.getPrototypeOf(value) === prototype);
}

/** Returns a `Buffer` or another subclass as a plain `Uint8Array`, as a copy, because small Buffers share memory. */
function plainBytes(value: unknown): unknown {
  if (isPlain(value)) return value;
  return byteLengthOf(value) === undefined ? wrong : new Uint8Array(value as Uint8Array);
}

function plainSwapResult(value: unknown): unknown {
  const { swapped, current } = (value ?? {}) as Record<keyof Extract<SwapResult, { swapped: false }>, unknown>;
  if (swapped === true) return value;
  const bytes = plainBytes(current);
  if (swapped !== false || bytes === wrong) return wrong;
  return bytes === current ? value : { swapped, current: bytes };
}

function isPage(list: unknown, cursor: unknown): boolean {
  if (!Array.isArray(list) || (cursor !== undefined && typeof cursor !== "string")) return false;
  for (const each of list) if (typeof each !== "string") return false;
  return true;
}

/** @param name - of the member with the list */
function pageContract(name: "keys" | "buckets"): Contract {
  return {
    rule: `{ ${name}, cursor } with strings, and without \`cursor\` on the last page`,
    use: (value) => {
      const { [name]: list, cursor } = (value ?? {}) as Partial<Record<string, unknown>>;
      return isPage(list, cursor) ? value : wrong;
    },
  };
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0;
}

interface Contract {
  /** What the driver must return. */
  readonly rule: string;
  /** Returns the value to use, or `wrong`. */
  readonly use: (value: unknown) => unknown;
}

const contracts: { readonly [Kind in ReadKind]: Contract } = {
  get: { rule: "a Uint8Array or undefined for each key", use: plainBytes },
  exists: { rule: "true or false for each key", use: (value) => (typeof value === "boolean" ? value : wrong) },
  ttl: {
    rule: "an integer of at least 0, null or undefined for each key",
    use: (value) => (value === undefined || value === null || isCount(value) ? value : wrong),
  },
  increment: { rule: "a bigint", use: (value) => (typeof value === "bigint" ? value : wrong) },
  compareAndSwap: {
    rule: "{ swapped: true } or { swapped: false, current: a Uint8Array or undefined }",
    use: plainSwapResult,
  },
  list: pageContract("keys"),
  listBuckets: pageContract("buckets"),
  sweep: {
    rule: "{ swept: an integer of at least 0, done: true or false }",
    use: (value) =>
      isCount((value as SweepAnswer)?.swept) && typeof (value as SweepAnswer).done === "boolean" ? value : wrong,
  },
  provision: { rule: "nothing", use: () => undefined },
  describe: { rule: "an object", use: (value) => (typeof value === "object" && value !== null ? value : wrong) },
};

/**
 * Returns the values of a request's answer, each of the type that core returns to the caller. Ignores the values of keys
 * that have a fault. Returns a fault if the driver returned another number of values, or values of other types.
 */
export function usableValues(
  kind: ReadKind,
  size: number,
  values: readonly unknown[] | undefined,
  faults: readonly (Fault | undefined)[] | undefined,
): readonly unknown[] | Fault {
  const { rule, use } = contracts[kind];
  const effect = kind === "increment" || kind === "compareAndSwap" ? "unknown" : "none";
  // With too few values, core would report unread keys as missing.
  if (values?.length !== size) return wrongAnswer(`\`${kind}\` must return one value per key`, effect);
  let used: unknown[] | undefined;
  for (let index = 0; index < size; index++) {
    const value = values[index];
    // Without this line, a large batch in memory takes 15 % longer.
    if (kind === "get" && isPlain(value)) continue;
    const usable = use(value);
    if (usable === value || faults?.[index] !== undefined) continue;
    if (usable === wrong) return wrongAnswer(`\`${kind}\` must return ${rule}`, effect);
    used ??= [...values];
    used[index] = usable;
  }
  return used ?? values;
}
