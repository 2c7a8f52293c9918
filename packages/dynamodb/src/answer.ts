import { malformedAnswer } from "./error-table.js";
import { keyAttribute } from "./item-layout.js";

/** A part of an answer. Nothing in it is trusted before it is checked. */
export type Json = unknown;

/** Returns an object's own property; `undefined` if there is no such object or property. */
export function property(json: Json, name: string): Json {
  if (typeof json !== "object" || json === null || !Object.hasOwn(json, name)) return undefined;
  return (json as Record<string, Json>)[name];
}

/** @throws {FaultError} `MalformedAnswer` if `json` is not an array. */
export function arrayOf(json: Json): readonly Json[] {
  if (Array.isArray(json)) return json;
  throw malformedAnswer();
}

/** @throws {FaultError} `MalformedAnswer` if the item has no partition key. */
export function partitionKeyOf(item: Json): string {
  const key = property(property(item, keyAttribute), "S");
  if (typeof key === "string") return key;
  throw malformedAnswer();
}

/**
 * Returns the part for `table` of an answer's section that lists tables. DynamoDB always sends these sections, empty if
 * there is nothing to report, so a missing one, or one with another table, is a `MalformedAnswer`.
 */
export function tablePart(json: Json, table: string): Json {
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw malformedAnswer();
  if (Object.keys(json).some((name) => name !== table)) throw malformedAnswer();
  return property(json, table);
}

/**
 * Returns a function that finds an answered item's index in the request. It throws `MalformedAnswer` for an item that was
 * not requested.
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
