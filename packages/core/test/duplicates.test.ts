import assert from "node:assert/strict";
import fc from "fast-check";
import { test, vi } from "vitest";
import { findRepresentatives, type Winner } from "../src/input/duplicates.js";

function expected(keys: readonly string[], winner: Winner): number[] | undefined {
  if (new Set(keys).size === keys.length) return undefined;
  return keys.map((key) => (winner === "first" ? keys.indexOf(key) : keys.lastIndexOf(key)));
}

function check(keys: readonly string[]): void {
  for (const winner of ["first", "last"] as const) {
    const found = findRepresentatives(keys, winner);
    assert.deepEqual(found && [...found], expected(keys, winner));
  }
}

test("each place is stood for by the first or last place of its key", () => {
  const key = fc.oneof(
    fc.string({ unit: "binary", maxLength: 3 }),
    fc.constantFrom("", "__proto__", "a", "b"),
  );
  fc.assert(fc.property(fc.array(key, { maxLength: 40 }), check), { numRuns: 2_000 });
  check(Array.from({ length: 5_000 }, (_, index) => `k${index}`));
  check(Array.from({ length: 5_000 }, (_, index) => `k${index % 4_999}`));
});

test("keys that all collide are told apart all the same", () => {
  const imul = vi.spyOn(Math, "imul").mockReturnValue(0);
  try {
    check(Array.from({ length: 300 }, (_, index) => `k${index}`));
    check([...Array.from({ length: 300 }, (_, index) => `k${index}`), "k7"]);
    assert.ok(imul.mock.calls.length > 0);
  } finally {
    imul.mockRestore();
  }
});
