import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { checkKey, utf8Length } from "../src/input/batch.js";

test("utf8Length returns the length of well-formed strings in UTF-8 bytes", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      assert.equal(utf8Length(text), Buffer.byteLength(text));
    }),
    { numRuns: 2_000 },
  );
});

test("a key is rejected only if it is ill-formed or too long in UTF-8 bytes", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary" }),
      fc.array(fc.integer({ min: 0xd7f0, max: 0xe00f })),
      fc.nat(60),
      (text, units, maxKeyBytes) => {
        for (const key of [text, String.fromCharCode(...units), text + String.fromCharCode(...units)]) {
          const isValid = key.isWellFormed() && Buffer.byteLength(key) <= maxKeyBytes;
          assert.equal(checkKey(key, { maxKeyBytes, maxValueBytes: 0 }) === undefined, isValid);
        }
      },
    ),
    { numRuns: 2_000 },
  );
});
