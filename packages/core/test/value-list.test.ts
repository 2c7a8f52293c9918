import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { BorrowedValues, PackedValues, SeparateValues } from "../src/input/value-list.js";

const sizes = fc.array(
  fc.tuple(fc.boolean(), fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 70_000 }))),
  { maxLength: 60 },
);

for (const make of [() => new PackedValues(), () => new SeparateValues()]) {
  test(`${make().constructor.name} gives back what came in, whatever happens to the original`, () => {
    fc.assert(
      fc.property(sizes, (values) => {
        const list = make();
        const requests: Uint8Array[][] = [];
        values.forEach(([begins, length], index) => {
          const original = new Uint8Array(length).fill(index + 1);
          if (begins || index === 0) {
            list.mark();
            requests.push([]);
          }
          requests.at(-1)?.push(original.slice());
          list.add(original);
          original.fill(0);
        });
        requests.forEach((expected, request) => {
          assert.deepEqual(list.valuesOf(request, expected.length), expected);
        });
      }),
      { numRuns: 300 },
    );
  });
}

test("of borrowed values those of the first requests are the caller's own, and the others copies", () => {
  const values = Array.from({ length: 6 }, (_, index) => Uint8Array.of(index));
  const list = new BorrowedValues(2);
  for (const [index, value] of values.entries()) {
    if (index % 2 === 0) list.mark();
    list.add(value);
  }
  const borrowed = [0, 1].flatMap((request) => list.valuesOf(request, 2));
  for (const [index, value] of borrowed.entries()) assert.equal(value, values[index]);
  for (const value of values) value.fill(9);
  list.release();
  assert.deepEqual(list.valuesOf(2, 2), [Uint8Array.of(4), Uint8Array.of(5)]);
});
