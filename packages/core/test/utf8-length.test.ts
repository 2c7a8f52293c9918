import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { utf8Length } from "../src/input/check-entry.js";

test("returns the UTF-8 length of well-formed strings and -1 for others", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary" }),
      fc.array(fc.integer({ min: 0xd7f0, max: 0xe00f })),
      (text, units) => {
        for (const key of [text, String.fromCharCode(...units), text + String.fromCharCode(...units)]) {
          assert.equal(utf8Length(key), key.isWellFormed() ? Buffer.byteLength(key) : -1);
        }
      },
    ),
    { numRuns: 2_000 },
  );
});
