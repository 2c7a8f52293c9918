import { inspect } from "node:util";

/** A secret or value that must not appear in an error in any form. */
export interface Canary {
  readonly name: string;
  readonly text: string;
}

/** Returns where an error contains a canary, for example `["the password in cause message"]`. */
export function findLeaks(error: unknown, canaries: readonly Canary[]): string[] {
  const places = placesOf(error);
  const leaks: string[] = [];
  for (const { name, text } of canaries) {
    for (const [place, content] of places) {
      const plain = content.toLowerCase();
      const dense = plain.replace(/\s/g, "");
      if (formsOf(text).some((form) => plain.includes(form) || dense.includes(form))) leaks.push(`${name} in ${place}`);
    }
  }
  return leaks;
}

function placesOf(error: unknown): [place: string, content: string][] {
  const places: [string, string][] = [
    ["String()", String(error)],
    ["inspect", inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true, maxStringLength: null })],
    ["inspect with getters", inspect(error, { depth: 10, getters: true, maxArrayLength: null })],
    ["JSON", jsonOf(error)],
  ];
  for (let each = error, depth = 0; each instanceof Error && depth < 10; each = each.cause, depth++) {
    const prefix = "cause ".repeat(depth);
    places.push([`${prefix}message`, each.message], [`${prefix}stack`, each.stack ?? ""]);
    for (const name of Reflect.ownKeys(each)) {
      places.push([`${prefix}${String(name)}`, inspect(Reflect.get(each, name), { depth: 10, maxArrayLength: null })]);
    }
  }
  return places;
}

function jsonOf(error: unknown): string {
  try {
    return JSON.stringify(error) ?? "";
  } catch {
    return "";
  }
}

/**
 * Returns forms of a string, in lower case: the whole string, plain and percent-encoded, and its first bytes in hex, in
 * Base64 and as `inspect` prints them.
 */
function formsOf(text: string): string[] {
  const bytes = Buffer.from(text);
  const hex = bytes.toString("hex");
  // The Base64 form depends on the offset of the text in the encoded bytes. These parts cover every offset.
  const base64 = [0, 1, 2].map((skip) => bytes.subarray(skip, skip + 12).toString("base64"));
  const spaced = hex.slice(0, 24).replace(/../g, "$& ").trim();
  // Without spaces, because `inspect` may insert line breaks. `findLeaks` also searches the text without white space.
  const listed = [...bytes.subarray(0, 8)].join(",");
  return [text, encodeURIComponent(text), hex.slice(0, 24), spaced, listed, ...base64].map((form) =>
    form.toLowerCase(),
  );
}
