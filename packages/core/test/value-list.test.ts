import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { PackedValues, SeparateValues } from "../src/input/value-list.js";

const sizes = fc.array(fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 70_000 })), {
  maxLength: 60,
});

for (const make of [() => new PackedValues(), () => new SeparateValues()]) {
  test(`${make().constructor.name} gives back what came in, whatever happens to the original`, () => {
    fc.assert(
      fc.property(sizes, (lengths) => {
        const list = make();
        const originals = lengths.map((length, index) => new Uint8Array(length).fill(index + 1));
        for (const original of originals) {
          list.add(original);
          original.fill(0);
        }
        lengths.forEach((length, index) => {
          assert.deepEqual(list.at(index), new Uint8Array(length).fill(index + 1));
        });
      }),
      { numRuns: 300 },
    );
  });
}
