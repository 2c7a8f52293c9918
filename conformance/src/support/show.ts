import { AssertionError } from "node:assert";
import { inspect } from "node:util";

/** Most elements of an array, a map or an object that `show` prints. */
const mostElements = 8;
/** Most bytes of a value, and most characters of a string, that `show` prints. */
const longest = 40;

/** Returns a value as text on one line. Shortens long values, and prints bytes as text or in hexadecimal. */
export function show(value: unknown, depth = 4): string {
  if (typeof value === "string") return showString(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value !== "object" || value === null) return String(value);
  try {
    return showObject(value, depth);
  } catch {
    // A case may pass an object that throws when it is read.
    return "an object that cannot be read";
  }
}

function showObject(value: object, depth: number): string {
  if (value instanceof Uint8Array) return showBytes(value);
  if (value instanceof Error) return `${value.name}: ${oneLine(value.message)}`;
  const [elements, open, close] = elementsOf(value, depth);
  if (elements === undefined) return oneLine(inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY }));
  if (depth === 0 && elements.length > 0) return `${open}...${close}`;
  const more = elements.length > mostElements ? [`${elements.length - mostElements} more`] : [];
  return `${open}${[...elements.slice(0, mostElements).map((each) => each()), ...more].join(", ")}${close}`;
}

type Elements = readonly [(() => string)[] | undefined, open: string, close: string];

function elementsOf(value: object, depth: number): Elements {
  const named = (name: string, one: unknown) => (): string => `${name}: ${show(one, depth - 1)}`;
  if (Array.isArray(value)) return [Array.from(value, (one) => () => show(one, depth - 1)), "[", "]"];
  if (value instanceof Set) return [[...value].map((one) => () => show(one, depth - 1)), "Set [", "]"];
  if (value instanceof Map) return [[...value].map(([name, one]) => named(show(name), one)), "Map { ", " }"];
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return [undefined, "", ""];
  return [Object.entries(value).map(([name, one]) => named(name, one)), "{ ", " }"];
}

/** Escapes characters outside ASCII, because different strings may look the same. */
function showString(text: string, most = longest): string {
  const shown = JSON.stringify(text.slice(0, most)).replaceAll(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return text.length <= most ? shown : `${shown}... of ${text.length} UTF-16 code units`;
}

/** Returns the length of a value and its bytes: as text if all are printable ASCII characters, else in hexadecimal. */
export function showBytes(value: Uint8Array): string {
  const start = Buffer.from(value.subarray(0, longest));
  const isText = start.every((byte) => byte >= 0x20 && byte < 0x7f);
  const shown = isText ? JSON.stringify(start.toString("latin1")) : start.toString("hex");
  return `${value.byteLength} ${value.byteLength === 1 ? "byte" : "bytes"} ${shown}${value.byteLength > longest ? "..." : ""}`;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, " ");
}

/** Returns where two values first differ, such as `[2].length: expected 3, actual 4`, or `undefined`. */
export function firstDifference(expected: unknown, actual: unknown, path = ""): string | undefined {
  if (Object.is(expected, actual)) return undefined;
  const [wanted, found] = [partsOf(expected), partsOf(actual)];
  if (wanted !== undefined && found !== undefined)
    for (const name of new Set([...wanted.keys(), ...found.keys()])) {
      const difference = firstDifference(wanted.get(name), found.get(name), `${path}[${name}]`);
      if (difference !== undefined) return difference;
    }
  if (wanted !== undefined && found !== undefined) return undefined;
  return `${path || "the value"}: expected ${show(expected)}, actual ${show(actual)}`;
}

function partsOf(value: unknown): ReadonlyMap<string, unknown> | undefined {
  if (Array.isArray(value) || value instanceof Uint8Array)
    return new Map([["length", value.length], ...Array.from(value, (one, index) => [String(index), one] as const)]);
  if (value instanceof Map) return new Map([...value].map(([name, one]) => [show(name), one]));
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return undefined;
  return new Map(Object.entries(value));
}

/** Returns an error, its cause, the cause of its cause and so on. */
export function chainOf(error: unknown): readonly unknown[] {
  const chain = [error];
  for (let each = causeOf(error); each !== undefined && !chain.includes(each); each = causeOf(each)) chain.push(each);
  return chain;
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}

/** Returns the name and the message of an error. */
export function messageOf(error: unknown): string {
  if (error instanceof AssertionError) return assertionText(error);
  return error instanceof Error ? `${error.name}: ${error.message}` : show(error);
}

/** Returns the message of an assertion with its values on one line each. Node.js prints one byte of a value per line. */
function assertionText({ message, generatedMessage, operator, expected, actual }: AssertionError): string {
  if (operator !== "strictEqual" && operator !== "deepStrictEqual") return message;
  const difference = firstDifference(expected, actual);
  // A string may be the whole result of a call.
  const shown = (value: unknown): string => (typeof value === "string" ? showString(value, 400) : show(value));
  const lines = [`expected: ${shown(expected)}`, `actual:   ${shown(actual)}`];
  const isNested = difference !== undefined && !difference.startsWith("the value:");
  if (isNested) lines.push(`first difference at ${difference}`);
  // Some versions of Node.js add a comparison to the given message.
  const [given] = generatedMessage ? ["the values must be equal"] : message.split("\n+ actual - expected");
  return [given, ...lines.map((line) => `  ${line}`)].join("\n");
}
