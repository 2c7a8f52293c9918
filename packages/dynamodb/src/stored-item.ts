import type { FaultError } from "@manykv/core/driver";
import { attribute, decodeValue, type Json, property } from "./answer.js";
import { refusal } from "./error-table.js";
import type { Layout } from "./layout.js";

type Value = Uint8Array<ArrayBuffer>;

/** An integer of at most 64 bits, or slightly more, in the form in which DynamoDB and manykv write it. */
const canonicalInteger = /^(0|-?[1-9][0-9]{0,18})$/;

/** Returns the error for an item with a key of the store that another program wrote. */
export function foreignItem(): FaultError {
  return refusal("internal", "another program wrote the item: delete it, or use another table");
}

/**
 * Returns when an item expires, in milliseconds since 1970. `Infinity` if it does not expire. `undefined` if another
 * program wrote something else into the attribute.
 */
export function expiryOf(item: Json, { expiryAttribute }: Layout): number | undefined {
  if (property(item, expiryAttribute) === undefined) return Infinity;
  const text = attribute(item, expiryAttribute, "N") ?? "";
  return canonicalInteger.test(text) ? Number(text) : undefined;
}

/** Returns the value of an item: that of its binary attribute, or its counter as text. `undefined` if it has neither. */
export function storedValueOf(item: Json, layout: Layout): Value | undefined {
  const base64 = attribute(item, layout.valueAttribute, "B");
  if (base64 !== undefined) return decodeValue(base64);
  const counter = counterOf(item, layout);
  return counter === undefined ? undefined : new Uint8Array(Buffer.from(counter));
}

/** Returns the text of an item's counter, or `undefined` if it has none. */
export function counterOf(item: Json, { counterAttribute }: Layout): string | undefined {
  const text = attribute(item, counterAttribute, "N") ?? "";
  return canonicalInteger.test(text) ? text : undefined;
}

/** Returns the text of a value that a counter may have, or `undefined` if no counter has it. */
export function counterText(value: Uint8Array): string | undefined {
  const text = String.fromCharCode(...value.subarray(0, 21));
  return canonicalInteger.test(text) ? text : undefined;
}

/**
 * Returns the value of an item, or `undefined` if the item is missing or has expired at the time `now`.
 *
 * @throws {FaultError} if another program wrote the item.
 */
export function liveValueOf(item: Json, layout: Layout, now: number): Value | undefined {
  if (item === undefined) return undefined;
  const expiry = expiryOf(item, layout);
  if (expiry !== undefined && expiry <= now) return undefined;
  const value = storedValueOf(item, layout);
  if (expiry === undefined || value === undefined) throw foreignItem();
  return value;
}
