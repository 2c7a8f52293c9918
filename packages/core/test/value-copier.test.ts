import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { ValueCopier } from "../src/driver.js";

const sizes = fc.array(fc.oneof(fc.nat(50), fc.constantFrom(0, 4_095, 4_096, 4_097, 8_192, 10_000)), {
  maxLength: 40,
});

test("copies are plain Uint8Arrays, equal the originals, and share no bytes with them or each other", () => {
  fc.assert(
    fc.property(sizes, fc.nat(60), (lengths, count) => {
      const values = lengths.map((length, index) => Buffer.alloc(length, index + 1));
      const copier = new ValueCopier(count);
      const copies = values.map((value) => copier.copy(value));
      for (const value of values) value.fill(0);
      for (const [index, copy] of copies.entries()) {
        assert.deepEqual(copy, new Uint8Array(lengths[index] as number).fill(index + 1));
        copy.fill(0);
      }
      for (const copy of copies) assert.ok(copy.every((byte) => byte === 0));
    }),
    { numRuns: 500 },
  );
});

test("a copy keeps at most a block of 8 KiB or its own bytes in memory", () => {
  const alone = new ValueCopier(1).copy(new Uint8Array(100));
  assert.equal(alone.buffer.byteLength, 100);
  const copier = new ValueCopier(1_000);
  const copies = Array.from({ length: 1_000 }, () => copier.copy(new Uint8Array(100)));
  assert.ok(copies.every(({ buffer }) => buffer.byteLength <= 8_192));
  assert.equal(new ValueCopier(1_000).copy(new Uint8Array(5_000)).buffer.byteLength, 5_000);
});
