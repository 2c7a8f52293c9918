import type { Entry } from "@manykv/core";
import { portableLimits } from "@manykv/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { formatKey, keyFormats, readKeyLines } from "../../src/command/keys.js";
import { csvWriter, readCsv } from "../../src/records/csv.js";
import { ndjsonWriter, readNdjson } from "../../src/records/ndjson.js";
import type { Item, RecordWriter, ValueRecord } from "../../src/records/record.js";
import { chunksOf, collect } from "../support/chunks.js";

const limits = portableLimits;
const key = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom("", "__proto__", "\u0000", "\ufeff", "\r", "\n", "\r\n", '"', ",", " ", "\u2028", "a\r", "=1+1"),
);
const text = fc
  .oneof(fc.string({ unit: "binary" }), fc.constantFrom("", "\ufeffx", "\r", "a\r\n", '"', '","', "\u0000", " "))
  .map((value) => new TextEncoder().encode(value));
const bytes = fc.oneof(fc.uint8Array({ maxLength: 300 }), text);
const ttl = fc.oneof(fc.constantFrom(1, Number.MAX_SAFE_INTEGER), fc.integer({ min: 1 }));
const recordsOf = (value: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Entry[]> =>
  fc.array(fc.oneof(fc.tuple(key, value), fc.tuple(key, value, fc.record({ ttl }))));
const columns = { keyColumn: "the key", valueColumn: "a,b", ttlColumn: '"' };
const delimiters = fc.constantFrom(",", ";", "\t", "|", " ", "k", "¦");
const chunkSize = fc.integer({ min: 1, max: 64 });

async function expectRoundTrip(
  records: Entry[],
  writer: RecordWriter,
  read: (text: string) => AsyncIterable<Item<ValueRecord>[]>,
): Promise<void> {
  const formatted = writer.format(records);
  expect(formatted.count).toBe(records.length);
  const items = await collect(read(writer.header + formatted.text));
  expect(items.map((item) => ("value" in item ? entryOf(item) : item))).toEqual(records);
  expect(items.map(({ record }) => record)).toEqual(records.map((_, index) => index + 1));
}

function entryOf({ key, value, ttl }: ValueRecord): Entry {
  const bytes = Uint8Array.from(value);
  return ttl === undefined ? [key, bytes] : [key, bytes, { ttl }];
}

test("NDJSON restores every key and value byte for byte, and every ttl", async () => {
  await fc.assert(
    fc.asyncProperty(recordsOf(bytes), chunkSize, (records, size) =>
      expectRoundTrip(records, ndjsonWriter, (line) => readNdjson(chunksOf(line, size), { limits, fromRecord: 1 })),
    ),
    { numRuns: 1000 },
  );
});

test.each([
  ["utf8", text],
  ["base64", bytes],
  ["hex", bytes],
] as const)(
  "CSV with encoding %s restores every key and value byte for byte, and every ttl",
  async (encoding, value) => {
    await fc.assert(
      fc.asyncProperty(recordsOf(value), chunkSize, delimiters, (records, size, delimiter) =>
        expectRoundTrip(records, csvWriter({ ...columns, encoding, delimiter }), (csv) =>
          readCsv(chunksOf(csv, size), {
            ...columns,
            encoding,
            delimiter,
            requiresTtl: true,
            ignoreOtherColumns: false,
            fromRecord: 1,
            limits,
          }),
        ),
      ),
      { numRuns: 1000 },
    );
  },
);

test("CSV with encoding utf8 stops before a value that is not text", () => {
  const records: Entry[] = [
    ["a", Uint8Array.of(97)],
    ["b", Uint8Array.of(255)],
    ["c", Uint8Array.of(99)],
  ];
  expect(
    csvWriter({ keyColumn: "key", valueColumn: "value", ttlColumn: "ttl", encoding: "utf8", delimiter: "," }).format(
      records,
    ),
  ).toEqual({ text: "a,a,\n", count: 1 });
});

test.each(keyFormats)("a list of keys as %s restores every key that it can represent", async (format) => {
  await fc.assert(
    fc.asyncProperty(fc.array(key), chunkSize, async (keys, size) => {
      const lines = keys.map((one) => formatKey(one, format));
      if (format === "json") expect(lines).not.toContain(undefined);
      const listed = keys.filter((_, index) => lines[index] !== undefined);
      const list = lines.filter((line) => line !== undefined).map((line) => `${line}\n`);
      const items = await collect(readKeyLines(chunksOf(list.join(""), size), format, limits));
      expect(items.map((item) => ("problem" in item ? item : item.key))).toEqual(listed);
    }),
    { numRuns: 1000 },
  );
});
