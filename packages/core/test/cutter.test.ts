import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { Cutter } from "../src/input/batch.js";

test("cuts where the next entry would be one key or one byte too many, and nowhere else", () => {
  const entry = fc.tuple(fc.string({ unit: "grapheme", maxLength: 8 }), fc.nat(12));
  fc.assert(
    fc.property(
      fc.array(entry),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 60 }),
      (entries, maxKeys, maxBytes) => {
        const keys: string[] = [];
        const cutter = new Cutter({ maxKeys, maxBytes }, keys);
        const expected: number[] = [];
        let count = maxKeys;
        let bytes = 0;
        entries.forEach(([key, valueBytes], place) => {
          keys.push(key);
          cutter.add(place, valueBytes);
          const size = Buffer.byteLength(key) + valueBytes;
          if (place > 0 && count < maxKeys && bytes + size <= maxBytes) {
            count++;
            bytes += size;
          } else {
            expected.push(place);
            count = 1;
            bytes = size;
          }
        });
        assert.deepEqual(cutter.cuts, expected);
      },
    ),
    { numRuns: 2_000 },
  );
});
