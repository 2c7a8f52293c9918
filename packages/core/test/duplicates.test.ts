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
});

test("the same in batches of many keys", () => {
  const keys = Array.from({ length: 40_000 }, (_, index) => `k${index}`);
  assert.equal(findRepresentatives(keys, "last"), undefined);
  keys[39_999] = "k7";
  const last = findRepresentatives(keys, "last");
  assert.deepEqual([last?.[7], last?.[8], last?.[39_999]], [39_999, 8, 39_999]);
  const first = findRepresentatives(keys, "first");
  assert.deepEqual([first?.[7], first?.[39_999]], [7, 7]);
});

test("many keys that all collide are told apart all the same", () => {
  const imul = vi.spyOn(Math, "imul").mockReturnValue(0);
  try {
    const keys = Array.from({ length: 20_000 }, (_, index) => `k${index}`);
    assert.equal(findRepresentatives(keys, "last"), undefined);
    assert.equal(findRepresentatives([...keys, "k7"], "last")?.[7], 20_000);
    assert.ok(imul.mock.calls.length > 0);
  } finally {
    imul.mockRestore();
  }
});
