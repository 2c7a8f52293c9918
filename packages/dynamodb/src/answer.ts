import { malformedAnswer } from "./error-table.js";
import { keyAttribute } from "./item-layout.js";

/** A part of a parsed response. Check its type before you use it. */
export type Json = unknown;

/** Returns an own property of `json`, or `undefined` if `json` is not an object or has no such property. */
export function property(json: Json, name: string): Json {
  if (typeof json !== "object" || json === null || !Object.hasOwn(json, name)) return undefined;
  return (json as Record<string, Json>)[name];
}

/** Returns `json` if it is an array. Throws a `FaultError` (`MalformedAnswer`) if it is not. */
export function arrayOf(json: Json): readonly Json[] {
  if (Array.isArray(json)) return json;
  throw malformedAnswer();
}

/** Returns an item's partition key. Throws a `FaultError` (`MalformedAnswer`) if the item has none. */
export function partitionKeyOf(item: Json): string {
  const key = property(property(item, keyAttribute), "S");
  if (typeof key === "string") return key;
  throw malformedAnswer();
}

/**
 * Returns the entry for `table` in a section such as `UnprocessedItems`, or `undefined` if the section is empty. Throws
 * a `FaultError` (`MalformedAnswer`) if the section contains another table or is missing: DynamoDB always sends it.
 */
export function tablePart(json: Json, table: string): Json {
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw malformedAnswer();
  if (Object.keys(json).some((name) => name !== table)) throw malformedAnswer();
  return property(json, table);
}

/**
 * Returns a function that takes an item of the response and returns the index of its key in the request. The function
 * throws a `FaultError` (`MalformedAnswer`) for an item that was not requested.
 */
export function indexOfItem(prefix: string, keys: readonly string[]): (item: Json) => number {
  const indexes = new Map<string, number>();
  for (let index = 0; index < keys.length; index++) indexes.set(prefix + keys[index], index);
  return (item) => {
    const index = indexes.get(partitionKeyOf(item));
    if (index === undefined) throw malformedAnswer();
    return index;
  };
}
