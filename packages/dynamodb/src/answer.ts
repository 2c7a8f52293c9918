import { isUtf8 } from "node:buffer";
import { malformedAnswer } from "./error-table.js";
import type { Layout } from "./layout.js";

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

/** Returns a list of unprocessed keys. Throws a `FaultError` (`MalformedAnswer`) if it is empty: DynamoDB omits it. */
export function unprocessedIn(json: Json): readonly Json[] {
  const list = arrayOf(json);
  if (list.length === 0) throw malformedAnswer();
  return list;
}

/** Returns the only property of an object. Returns `undefined` if `json` is anything else, or has another property. */
export function onlyProperty(json: Json, name: string): Json {
  const value = property(json, name);
  return value === undefined || Object.keys(json as object).length > 1 ? undefined : value;
}

/** Returns the text of an attribute of the given type, or `undefined` if the item has no such attribute. */
export function attribute(item: Json, name: string, type: "S" | "B" | "N"): string | undefined {
  const text = onlyProperty(property(item, name), type);
  return typeof text === "string" ? text : undefined;
}

/**
 * Returns an item's partition key. Throws a `FaultError` (`MalformedAnswer`) if the item has none, or another sort key
 * than the store's items.
 */
export function partitionKeyOf(item: Json, { keyAttribute, sortKey }: Layout): string {
  const key = attribute(item, keyAttribute, "S");
  if (key === undefined || !key.isWellFormed()) throw malformedAnswer();
  if (sortKey !== undefined && attribute(item, sortKey.attribute, "S") !== sortKey.value) throw malformedAnswer();
  return key;
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

/** Finds the keys of a request in the response. Each key may occur once: as an item or as an unprocessed key. */
export class RequestedKeys {
  readonly #layout: Layout;
  readonly #indexes: Map<string, number> = new Map();

  constructor(layout: Layout, prefix: string, keys: readonly string[]) {
    this.#layout = layout;
    for (let index = 0; index < keys.length; index++) this.#indexes.set(prefix + keys[index], index);
  }

  /**
   * Returns the index of an item's key in the request. Throws a `FaultError` (`MalformedAnswer`) if the item was not
   * requested, or if its key occurred before.
   */
  take(item: Json): number {
    const key = partitionKeyOf(item, this.#layout);
    const index = this.#indexes.get(key);
    if (index === undefined) throw malformedAnswer();
    this.#indexes.delete(key);
    return index;
  }
}

/** Decodes a value into a new `ArrayBuffer`. Throws a `FaultError` (`MalformedAnswer`) if the text is not base64. */
export function decodeValue(base64: string): Uint8Array<ArrayBuffer> {
  const buffer = Buffer.allocUnsafeSlow(Buffer.byteLength(base64, "base64"));
  if (buffer.write(base64, "base64") !== buffer.length || !isStrict(base64)) throw malformedAnswer();
  return new Uint8Array(buffer.buffer);
}

/** Returns whether base64 has no form that Node.js decodes although DynamoDB never sends it. */
function isStrict(base64: string): boolean {
  if (base64.length % 4 !== 0 || base64.includes("-") || base64.includes("_")) return false;
  // Bits that encode no byte must be 0. Otherwise, a character may have been damaged.
  if (base64.endsWith("==")) return "AQgw".includes(base64.charAt(base64.length - 3));
  return !base64.endsWith("=") || "AEIMQUYcgkosw048".includes(base64.charAt(base64.length - 2));
}

/**
 * Parses a body. Throws a `FaultError` (`MalformedAnswer`) if the body is not JSON, or if an object has two members
 * with the same name, of which `JSON.parse` would silently drop one.
 */
export function parseJson(body: Uint8Array): Json {
  if (!isUtf8(body)) throw malformedAnswer();
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString();
  try {
    const json: Json = JSON.parse(text);
    if (hasAllMembers(json, text) || !repeatsName(text)) return json;
  } catch {
    // The body is not JSON.
  }
  throw malformedAnswer();
}

/**
 * Returns whether the parsed JSON certainly has all members of the text: each name is followed by a quote and a colon.
 * Counting them takes less time than any other check. Returns `false` if white space or strings make the count useless.
 */
function hasAllMembers(json: Json, text: string): boolean {
  if ([" :", "\t:", "\n:", "\r:"].some((spaced) => text.includes(spaced))) return false;
  let members = countMembers(json);
  for (let at = text.indexOf('":'); at !== -1; at = text.indexOf('":', at + 2)) members--;
  return members === 0;
}

function countMembers(json: Json): number {
  if (typeof json !== "object" || json === null) return 0;
  let count = 0;
  if (Array.isArray(json)) for (const element of json) count += countMembers(element);
  else for (const name in json) count += 1 + countMembers((json as Record<string, Json>)[name]);
  return count;
}

/** Returns whether an object in valid JSON has two members with the same name. */
function repeatsName(text: string): boolean {
  const objects: Set<unknown>[] = [];
  for (const [token, name] of text.matchAll(/[{}]|("[^"\\]*(?:\\.[^"\\]*)*")(?:\s*:)?/g)) {
    if (token === "{") objects.push(new Set());
    else if (token === "}") objects.pop();
    else if (token.endsWith(":")) {
      const names = objects.at(-1) as Set<unknown>;
      const size = names.size;
      if (names.add(JSON.parse(name as string)).size === size) return true;
    }
  }
  return false;
}
