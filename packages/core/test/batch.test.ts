import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { Call } from "../src/call/call.js";
import { StoreCore } from "../src/create-store.js";
import { readBatch } from "../src/input/batch.js";
import { resolveOptions } from "../src/options.js";
import { ScriptedDriver } from "./scripted-driver.js";

test("a new chunk starts only where the next entry would exceed a request's maximum number of keys or bytes", () => {
  const entry = fc.tuple(fc.string({ unit: "grapheme", maxLength: 8 }), fc.nat(12));
  fc.assert(
    fc.property(
      fc.array(entry),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 60 }),
      (entries, maxKeys, maxBytes) => {
        const driver = new ScriptedDriver();
        const core = new StoreCore(driver, resolveOptions(driver, { requestLimits: { maxKeys, maxBytes } }));
        const input = entries.map(([key, bytes]) => [key, new Uint8Array(bytes)]);
        const { chunkStarts } = readBatch(new Call(core, "setMany", "b"), "set", input);
        const expected: number[] = [];
        let count = maxKeys;
        let bytes = 0;
        entries.forEach(([key, valueBytes], index) => {
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
        assert.deepEqual(chunkStarts, expected);
      },
    ),
    { numRuns: 2_000 },
  );
});
