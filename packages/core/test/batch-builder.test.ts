import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { BatchBuilder } from "../src/input/batch.js";
import { portableLimits } from "../src/store.js";

test("a chunk ends where the next entry would exceed the keys or bytes of a request, and nowhere else", () => {
  const entry = fc.tuple(fc.string({ unit: "grapheme", maxLength: 8 }), fc.nat(12));
  fc.assert(
    fc.property(
      fc.array(entry),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 60 }),
      (entries, maxKeys, maxBytes) => {
        const builder = new BatchBuilder(portableLimits, { maxKeys, maxBytes }, []);
        const expected: number[] = [];
        let count = maxKeys;
        let bytes = 0;
        entries.forEach(([key, valueBytes], index) => {
          builder.addEntry([key, new Uint8Array(valueBytes)]);
          const size = Buffer.byteLength(key) + valueBytes;
          if (index > 0 && count < maxKeys && bytes + size <= maxBytes) {
            count++;
            bytes += size;
          } else {
            expected.push(index);
            count = 1;
            bytes = size;
          }
        });
        assert.deepEqual(builder.chunkStarts, expected);
      },
    ),
    { numRuns: 2_000 },
  );
});
