/** Strings that are not well-formed Unicode, each with a description. */
export const illFormed: readonly (readonly [kind: string, text: string])[] = [
  ["a lone high surrogate", "\ud800"],
  ["a lone low surrogate", "\udfff"],
  ["a surrogate pair in the wrong order", "\udc00\ud800"],
  ["a high surrogate at the end", "key\udbff"],
  ["a low surrogate at the start", "\udc00key"],
  ["a high surrogate in the middle", "k\ud83dy"],
  ["a high surrogate before a complete pair", "\ud83d\ud83d\ude00"],
];

/** Characters that take 1, 2, 3 and 4 bytes in UTF-8. */
export const characterOf: Readonly<Record<1 | 2 | 3 | 4, string>> = { 1: "k", 2: "é", 3: "漢", 4: "😀" };

/** Returns a key of exactly `size` bytes in UTF-8: characters of `width` bytes, padded with ASCII. */
export function keyOfBytes(size: number, width: 1 | 2 | 3 | 4): string {
  return characterOf[width].repeat(Math.floor(size / width)) + "x".repeat(size % width);
}

/** Values that untyped code may pass instead of a string. */
export const notStrings: readonly (readonly [kind: string, value: unknown])[] = [
  ["undefined", undefined],
  ["null", null],
  ["a number", 7],
  ["a boolean", true],
  ["a bigint", 7n],
  ["a symbol", Symbol("key")],
  ["an object", {}],
  ["an array", ["key"]],
  ["a String object", Object("key")],
  ["bytes", new Uint8Array([107])],
];

/** Converts a method name to the form that case ids use: `getMany` to `get-many`. */
export function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
