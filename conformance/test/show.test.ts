import { describe, expect, test } from "vitest";
import { firstDifference, show } from "../src/support/show.js";

test.each([
  [undefined, "undefined"],
  [5n, "5n"],
  [new Uint8Array(0), '0 bytes ""'],
  [new TextEncoder().encode("value"), '5 bytes "value"'],
  [Uint8Array.of(0, 255), "2 bytes 00ff"],
  [new Uint8Array(1_000).fill(97), `1000 bytes "${"a".repeat(40)}"...`],
  ["e\u0301\0", '"e\\u0301\\u0000"'],
  ["é", '"\\u00e9"'],
  ["k".repeat(1_024), `"${"k".repeat(40)}"... of 1024 UTF-16 code units`],
  // biome-ignore lint/suspicious/noSparseArray: the case is about holes
  [[1, , "a"], '[1, undefined, "a"]'],
  [Array.from({ length: 10 }, (_, index) => index), "[0, 1, 2, 3, 4, 5, 6, 7, 2 more]"],
  [new Map([["a", Uint8Array.of(1)]]), 'Map { "a": 1 byte 01 }'],
  [{ code: "x", nested: { list: [null] } }, '{ code: "x", nested: { list: [null] } }'],
  [new TypeError("first\n  second"), "TypeError: first second"],
])("shows %o on one line", (value, text) => {
  expect(show(value)).toBe(text);
});

test("shows an object that throws when it is read", () => {
  const hostile = new Proxy({}, { getPrototypeOf: () => assertFails() });
  expect(show(hostile)).toBe("an object that cannot be read");
});

describe("firstDifference", () => {
  test.each([
    [[1, 2], [1, 2], undefined],
    [[1, 2], [1, 3], "[1]: expected 2, actual 3"],
    [[1], [1, 3], "[length]: expected 1, actual 2"],
    [Uint8Array.of(1, 2), Uint8Array.of(1, 3), "[1]: expected 2, actual 3"],
    [{ a: [{ b: 1 }] }, { a: [{ b: 2 }] }, "[a][0][b]: expected 1, actual 2"],
    [new Map([["k", 1]]), new Map([["k", 2]]), '["k"]: expected 1, actual 2'],
    ["a", undefined, 'the value: expected "a", actual undefined'],
  ])("of %o and %o", (expected, actual, text) => {
    expect(firstDifference(expected, actual)).toBe(text);
  });
});

function assertFails(): never {
  throw new Error("cannot be read");
}
