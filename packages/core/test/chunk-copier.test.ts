import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { ChunkCopier } from "../src/driver.js";

/** For each value of a chunk: the number of bytes between the previous value and this value, and the value's length. */
const parts = fc.array(
  fc.tuple(fc.nat(20), fc.oneof(fc.nat(50), fc.constantFrom(0, 4_095, 4_096, 4_097, 8_192, 10_000))),
  { maxLength: 40 },
);

test("copies equal the original, share no bytes, and keep at most 8 KiB or their own length in memory", () => {
  fc.assert(
    fc.property(parts, (lengths) => {
      const chunk = Buffer.alloc(lengths.reduce((sum, [before, length]) => sum + before + length, 0));
      const copier = new ChunkCopier(chunk);
      let from = 0;
      const places = lengths.map(([before, length], index) => {
        const place = [from + before, from + before + length] as const;
        from = place[1];
        chunk.fill(index + 1, ...place);
        return place;
      });
      const copies = places.map((place) => copier.copy(...place));
      chunk.fill(0);
      for (const [index, copy] of copies.entries()) {
        const length = (lengths[index] as readonly [number, number])[1];
        assert.deepEqual(copy, new Uint8Array(length).fill(index + 1));
        assert.ok(copy.buffer.byteLength <= Math.max(8_192, length));
        copy.fill(0);
      }
    }),
    { numRuns: 500 },
  );
});
