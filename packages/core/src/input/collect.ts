import type { RequestLimits } from "../driver.js";
import type { Limits } from "../limits.js";
import { type Batch, Cutter, findRepresentatives, type Winner } from "./batch.js";
import { checkKey, checkValue } from "./check-entry.js";
import { InputError, type Refusal } from "./input-error.js";
import { PackedValues, SeparateValues } from "./value-list.js";

/** What a batch is checked against and cut by. */
export interface InputRules {
  readonly limits: Limits;
  readonly request: RequestLimits;
}

/**
 * Reads a list of keys once, checking and cutting as it goes.
 *
 * @throws {InputError} naming the first bad place; the whole input was read and counted.
 */
export function collectKeys(input: unknown, rules: InputRules, winner: Winner): Batch {
  const keys: string[] = [];
  const cuts = collect(input, rules.request, (key) => {
    const bytes = checkKey(key, rules.limits);
    if (typeof bytes === "number") keys.push(key as string);
    return bytes;
  });
  return { keys, cuts, representatives: findRepresentatives(keys, winner), values: undefined };
}

/**
 * Reads a list of entries once, checking, copying and cutting as it goes; so a generator may yield the same array again
 * and again with other bytes.
 *
 * @throws {InputError} naming the first bad place; the whole input was read and counted.
 */
export function collectEntries(input: unknown, rules: InputRules, separate: boolean): Batch {
  const keys: string[] = [];
  const values = separate ? new SeparateValues() : new PackedValues();
  const cuts = collect(input, rules.request, (entry) => {
    if (!Array.isArray(entry) || entry.length !== 2) return notPair;
    const [key, value] = entry as [unknown, unknown];
    const keyBytes = checkKey(key, rules.limits);
    if (typeof keyBytes !== "number") return keyBytes;
    const refusal = checkValue(value, rules.limits);
    if (refusal !== undefined) return refusal;
    keys.push(key as string);
    values.add(value as Uint8Array);
    return keyBytes + (value as Uint8Array).byteLength;
  });
  return { keys, cuts, representatives: findRepresentatives(keys, "last"), values };
}

/** How many entries an input has, to report on a batch that is refused unread. */
export function countEntries(input: unknown): number {
  let count = 0;
  try {
    for (const _ of iterate(input)) count++;
  } catch {
    // The batch is being refused for another reason; what could be read of it is its size.
  }
  return count;
}

const notPair: Refusal = { code: "invalid-argument", text: "the entry is not a pair of a key and a value" };

/** Hands each entry to `take`, which gives its size in bytes or refuses it; gives the cuts. */
function collect(
  input: unknown,
  limits: RequestLimits,
  take: (entry: unknown) => number | Refusal,
): readonly number[] {
  const cutter = new Cutter(limits);
  let place = 0;
  let refused: { readonly place: number; readonly refusal: Refusal } | undefined;
  try {
    for (const entry of iterate(input)) {
      if (refused === undefined) {
        const bytes = take(entry);
        if (typeof bytes === "number") cutter.add(place, bytes);
        else refused = { place, refusal: bytes };
      }
      place++;
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError("invalid-argument", "the iterable threw an error while it was read", place);
  }
  if (refused === undefined) return cutter.cuts;
  throw new InputError(refused.refusal.code, `entry ${refused.place}: ${refused.refusal.text}`, place);
}

function iterate(input: unknown): Iterable<unknown> {
  // A string is an iterable of its characters, which is never what the caller means.
  if (typeof input === "object" && input !== null && Symbol.iterator in input)
    return input as Iterable<unknown>;
  throw new InputError(
    "invalid-argument",
    "the batch is not an iterable; pass an array, a Set, a Map or the like",
  );
}
