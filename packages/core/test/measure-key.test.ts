import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { measureKey } from "../src/input/measure-key.js";

test("measures what UTF-8 takes, and refuses what has no UTF-8 form", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary" }),
      fc.array(fc.integer({ min: 0xd7f0, max: 0xe00f })),
      (text, units) => {
        for (const key of [text, String.fromCharCode(...units), text + String.fromCharCode(...units)]) {
          assert.equal(measureKey(key), key.isWellFormed() ? Buffer.byteLength(key) : -1);
        }
      },
    ),
    { numRuns: 2_000 },
  );
});
