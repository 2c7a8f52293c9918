import { Buffer } from "node:buffer";
import fc from "fast-check";
import { expect, test } from "vitest";
import { splitLines } from "../../src/records/lines.js";
import { chunksOf, collect } from "../support/chunks.js";

test("splitLines yields the same lines for any size of chunks", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: "grapheme" }).map((text) => text.replaceAll("\n", ""))),
      fc.boolean(),
      fc.integer({ min: 1, max: 50 }),
      async (texts, endsWithLineFeed, size) => {
        const text = texts.join("\n") + (endsWithLineFeed ? "\n" : "");
        const expected = text === "" ? [] : text.replace(/\n$/, "").split("\n");
        const lines = await collect(splitLines(chunksOf(text, size), 10_000));
        expect(lines).toEqual(expected.map((line, index) => ({ number: index + 1, text: line })));
      },
    ),
  );
});

test("splitLines reports a line that is not UTF-8 and continues", async () => {
  const bytes = Buffer.concat([Buffer.from("a\n"), Buffer.from([0x62, 0xff, 0x0a]), Buffer.from("c")]);
  expect(await collect(splitLines(chunksOf(bytes, 1), 100))).toEqual([
    { number: 1, text: "a" },
    { number: 2, defect: "not UTF-8" },
    { number: 3, text: "c" },
  ]);
});

test.each([1, 3, 1000])(
  "splitLines reports a line that is too long and continues (chunks of %i bytes)",
  async (size) => {
    const text = `1234\n12345\n${"x".repeat(500)}\n1\n`;
    expect(await collect(splitLines(chunksOf(text, size), 4))).toEqual([
      { number: 1, text: "1234" },
      { number: 2, defect: "too long" },
      { number: 3, defect: "too long" },
      { number: 4, text: "1" },
    ]);
  },
);
