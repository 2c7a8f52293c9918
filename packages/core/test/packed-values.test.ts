import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { PackedValues } from "../src/input/chunk.js";

const sizes = fc.array(
  fc.tuple(fc.boolean(), fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 70_000 }))),
  { maxLength: 60 },
);

test("packed values equal the originals, even if the originals change later", () => {
  fc.assert(
    fc.property(sizes, (values) => {
      const packed = new PackedValues();
      const chunks: Uint8Array[][] = [];
      values.forEach(([starts, length], index) => {
        const original = new Uint8Array(length).fill(index + 1);
        const startsChunk = starts || index === 0;
        if (startsChunk) chunks.push([]);
        chunks.at(-1)?.push(original.slice());
        packed.add(original, original.length, startsChunk);
        original.fill(0);
      });
      chunks.forEach((expected, chunk) => {
        assert.deepEqual(packed.take(chunk), expected);
      });
    }),
    { numRuns: 300 },
  );
});
