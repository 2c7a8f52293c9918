import { DriverError } from "./driver-error.js";
import { keyAttribute } from "./item-layout.js";

/** A part of an answer. Nothing in it is believed before it was looked at. */
export type Json = unknown;

/** The member of an object; `undefined` where there is no object or no such member. */
export function member(json: Json, name: string): Json {
  if (typeof json !== "object" || json === null || !Object.hasOwn(json, name)) return undefined;
  return (json as Record<string, Json>)[name];
}

/** @throws {DriverError} `MalformedAnswer` */
export function listOf(json: Json): readonly Json[] {
  if (Array.isArray(json)) return json;
  throw new DriverError("MalformedAnswer");
}

/** @throws {DriverError} `MalformedAnswer` */
export function partitionKeyOf(item: Json): string {
  const key = member(member(item, keyAttribute), "S");
  if (typeof key === "string") return key;
  throw new DriverError("MalformedAnswer");
}

/**
 * What an answer that is made up by tables has for this one, the only one that was asked for. DynamoDB always sends
 * such a part, empty where there is nothing to say, so one that is missing does not mean "nothing".
 *
 * @throws {DriverError} `MalformedAnswer`
 */
export function tablePart(json: Json, table: string): Json {
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw new DriverError("MalformedAnswer");
  if (Object.keys(json).some((name) => name !== table)) throw new DriverError("MalformedAnswer");
  return member(json, table);
}

/** Finds the index of an answered key in the request. */
export class KeyIndex {
  readonly #indexes: Map<string, number> = new Map();

  constructor(partitionKeys: readonly string[]) {
    for (const [index, key] of partitionKeys.entries()) this.#indexes.set(key, index);
  }

  /** @throws {DriverError} `MalformedAnswer` for a key that was not asked for. */
  of(partitionKey: string): number {
    const index = this.#indexes.get(partitionKey);
    if (index === undefined) throw new DriverError("MalformedAnswer");
    return index;
  }
}
