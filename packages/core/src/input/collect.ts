import type { RequestLimits } from "../driver.js";
import type { Limits } from "../limits.js";
import { type Batch, Cutter } from "./batch.js";
import { checkKey, checkValue } from "./check-entry.js";
import { findRepresentatives, type Winner } from "./duplicates.js";
import { InputError, type Refusal } from "./input-error.js";
import { BorrowedValues, PackedValues, SeparateValues, type ValueList } from "./value-list.js";

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
  const keys = new Array<string>(longLength(input));
  const cutter = new Cutter(rules.request, keys);
  const count = collect(input, (key, place) => {
    const refusal = checkKey(key, rules.limits);
    if (refusal !== undefined) return refusal;
    keys[place] = key as string;
    cutter.add(place, 0);
    return undefined;
  });
  cutTo(keys, count);
  return { keys, cuts: cutter.cuts, representatives: findRepresentatives(keys, winner), values: undefined };
}

/**
 * Reads a list of entries once, checking, copying and cutting as it goes.
 *
 * @throws {InputError} naming the first bad place; the whole input was read and counted.
 */
export function collectEntries(input: unknown, rules: InputRules, copying: Copying): Batch {
  const keys = new Array<string>(longLength(input));
  const values = valueListFor(input, copying);
  const cutter = new Cutter(rules.request, keys);
  const count = collect(input, (entry, place) => {
    if (!Array.isArray(entry) || entry.length !== 2) return notPair;
    // Read once: what was checked is what is sent.
    const key: unknown = entry[0];
    const value: unknown = entry[1];
    const refusal = checkKey(key, rules.limits) ?? checkValue(value, rules.limits);
    if (refusal !== undefined) return refusal;
    keys[place] = key as string;
    if (cutter.add(place, (value as Uint8Array).length)) values.mark();
    values.add(value as Uint8Array);
    return undefined;
  });
  cutTo(keys, count);
  return { keys, cuts: cutter.cuts, representatives: findRepresentatives(keys, "last"), values };
}

/**
 * How the values of a batch are copied when they come in: `separately`, each into memory of its own, or `together`; or all
 * but those of the first requests, of which as many as it says are prepared by the end of the caller's turn.
 */
export type Copying = "separately" | "together" | { readonly borrowed: number };

function valueListFor(input: unknown, copying: Copying): ValueList {
  if (copying === "separately") return new SeparateValues();
  if (copying === "together") return new PackedValues();
  // A generator may yield the same array again and again with other bytes.
  const steady = Array.isArray(input) && input[Symbol.iterator] === Array.prototype[Symbol.iterator];
  return steady ? new BorrowedValues(copying.borrowed) : new PackedValues();
}

/** From so many elements on it pays not to have an array grow: what it outgrows is garbage of twice its size. */
const long = 16_384;

/** The length of a long array; a guess, for what it yields when it is read may be another. */
function longLength(input: unknown): number {
  return Array.isArray(input) && input.length >= long ? input.length : 0;
}

/** A setting of the length takes a call of its own, even where it is that. */
function cutTo(keys: string[], count: number): void {
  if (keys.length !== count) keys.length = count;
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

/** Hands each entry to `take`, until it refuses one; the rest is only counted. Gives how many there are. */
function collect(input: unknown, take: (entry: unknown, place: number) => Refusal | undefined): number {
  let place = 0;
  let refused: { readonly place: number; readonly refusal: Refusal } | undefined;
  try {
    for (const entry of iterate(input)) {
      if (refused === undefined) {
        const refusal = take(entry, place);
        if (refusal !== undefined) refused = { place, refusal };
      }
      place++;
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError("invalid-argument", "the iterable threw an error while it was read", place);
  }
  if (refused === undefined) return place;
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
