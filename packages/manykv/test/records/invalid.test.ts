import { Buffer } from "node:buffer";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readKeyLines } from "../../src/command/keys.js";
import { type CsvOptions, readCsv } from "../../src/records/csv.js";
import { readNdjson } from "../../src/records/ndjson.js";
import type { RejectedRecord, ValueEncoding } from "../../src/records/record.js";
import { chunksOf, collect } from "../support/chunks.js";

const limits = { maxKeyBytes: 10, maxValueBytes: 20 };

async function rejectionOf(line: string | Uint8Array, keyField?: string): Promise<Partial<RejectedRecord>> {
  const items = await collect(readNdjson(chunksOf(line), { limits, keyField, fromRecord: 1 }));
  expect(items).toHaveLength(1);
  expect(items[0]).toMatchObject({ record: 1, line: 1 });
  const { record: _, line: __, ...rejected } = items[0] as RejectedRecord;
  return rejected;
}

test.each([
  ["a part of an object", "{key", { problem: expect.stringContaining("only a part of a JSON object") }],
  ["malformed JSON", "{key}", { problem: "it is not a JSON object, because its JSON is malformed" }],
  ["an array", '["key"]', { problem: expect.stringContaining("it is a JSON array") }],
  ["null", "null", { problem: expect.stringMatching(/^it is not a JSON object/) }],
  ["no key", '{"value":"x"}', { problem: expect.stringContaining('it has no "key"') }],
  ["a number as key", '{"key":1,"value":"x"}', { problem: 'its "key" is not a string' }],
  ["no value", '{"key":"a"}', { key: "a", problem: 'it must have either "value" or "base64"' }],
  [
    "both values",
    '{"key":"a","value":"","base64":""}',
    { key: "a", problem: 'it must have either "value" or "base64"' },
  ],
  [
    "an unknown member",
    '{"key":"a","value":"","owner":1}',
    { key: "a", problem: 'it has members other than "key", "value", "base64" and "ttl"' },
  ],
  [
    "an object as value",
    '{"key":"a","value":{}}',
    { key: "a", problem: 'its "value" is not a string (to store whole records, pass --key-field)' },
  ],
  [
    "a lone surrogate in the value",
    '{"key":"a","value":"\\ud800"}',
    { key: "a", problem: 'its "value" contains a lone surrogate' },
  ],
  [
    "a lone surrogate in the key",
    '{"key":"\\udfff","value":""}',
    { key: "\udfff", problem: "its key contains a lone surrogate" },
  ],
  [
    "base64 without padding",
    '{"key":"a","base64":"YQ"}',
    { key: "a", problem: 'its "base64" is not standard base64 with padding' },
  ],
])("NDJSON: %s is rejected", async (_, line, expected) => {
  expect(await rejectionOf(line)).toMatchObject({ code: "invalid-argument", ...expected });
});

const badTtls = ["0", "-1", "1.5", '"1000"', "null", "9007199254740992", "1.00000000000000000001", "1e3", "5.0"];

test.each(badTtls)("NDJSON: the ttl %s is rejected", async (ttl) => {
  expect(await rejectionOf(`{"key":"a","value":"secret","ttl":${ttl}}`)).toEqual({
    key: "a",
    code: "invalid-argument",
    problem: expect.stringMatching(/^its "ttl" is not an integer number of milliseconds/),
  });
});

test("NDJSON with a key field: a member ttl is part of the value", async () => {
  const line = '{"id":"a","ttl":5}';
  expect(await collect(readNdjson(chunksOf(line), { limits, keyField: "id", fromRecord: 1 }))).toEqual([
    { record: 1, line: 1, key: "a", value: Buffer.from(line) },
  ]);
});

test("NDJSON: a line that is not UTF-8 is rejected, not repaired", async () => {
  const line = Buffer.concat([Buffer.from('{"key":"a","value":"'), Buffer.from([0xff]), Buffer.from('"}')]);
  expect(await rejectionOf(line)).toEqual({
    code: "invalid-argument",
    problem: expect.stringMatching(/^it is not UTF-8/),
  });
});

test("the store's limits apply to the bytes of a key and a value", async () => {
  const read = async (key: string, value: string) =>
    (await collect(readNdjson(chunksOf(JSON.stringify({ key, value })), { limits, fromRecord: 1 })))[0];
  expect(await read("ééééé", "x".repeat(20))).toMatchObject({ key: "ééééé" });
  expect(await read("éééééx", "x")).toMatchObject({
    code: "too-large",
    problem: "its key has 11 bytes, and the store's limit is 10",
  });
  expect(await read("a", `${"é".repeat(10)}x`)).toMatchObject({
    key: "a",
    code: "too-large",
    problem: "its value has 21 bytes, and the store's limit is 20",
  });
});

test.each(["{}", '{"id":null}', '{"id":1.5}', '{"id":9007199254740993}', '{"ID":"a"}'])(
  "NDJSON with a key field: %s is rejected",
  async (line) => {
    expect(await rejectionOf(line, "id")).toMatchObject({ code: "invalid-argument" });
  },
);

test.each([
  ["id", '{"id":"a"}', "a"],
  ["id", '{"id":9007199254740991}', "9007199254740991"],
  ["__proto__", '{"__proto__":"p"}', "p"],
])("NDJSON with the key field %s: the line %s is the value", async (keyField, line, key) => {
  const items = await collect(
    readNdjson(chunksOf(`  ${line} \r\n`), {
      limits: { maxKeyBytes: 20, maxValueBytes: 50 },
      keyField,
      fromRecord: 1,
    }),
  );
  expect(items).toEqual([{ record: 1, line: 1, key, value: Buffer.from(line) }]);
});

test("NDJSON: blank lines are not records, and records before fromRecord are only counted", async () => {
  const text = '\n{"key":"a","value":"1"}\r\n  \nnot JSON\n{"key":"c","value":"3"}\n';
  const positions = async (fromRecord: number) =>
    (await collect(readNdjson(chunksOf(text), { limits, fromRecord }))).map(({ record, line }) => [record, line]);
  expect(await positions(1)).toEqual([
    [1, 2],
    [2, 4],
    [3, 5],
  ]);
  expect(await positions(3)).toEqual([[3, 5]]);
  expect(await positions(4)).toEqual([]);
});

function csv(text: string | Uint8Array, encoding: ValueEncoding = "utf8", ignoreOtherColumns = false, size = 7) {
  return collect(readCsv(chunksOf(text, size), { ...csvOptions, encoding, ignoreOtherColumns }));
}

const csvOptions: CsvOptions = {
  keyColumn: "key",
  valueColumn: "value",
  ttlColumn: "ttl",
  requiresTtl: false,
  encoding: "utf8",
  delimiter: ",",
  ignoreOtherColumns: false,
  fromRecord: 1,
  limits,
};

test("CSV: each record has the number of the line where it starts, even after fields with line breaks", async () => {
  const text = 'key,value\r\n"a\r\nb","1\r\n2"\r\n\r\nc,3\r\n"d","\n"\r\ne,5';
  expect((await csv(text)).map(({ record, line }) => [record, line])).toEqual([
    [1, 2],
    [2, 6],
    [3, 7],
    [4, 9],
  ]);
});

test.each([
  ["LF, then CRLF", 'key,value\na,1\r\n\r\nb,"2"\r\n"c\r\n",3\nd,4'],
  ["CRLF, then LF", 'key,value\r\na,1\n\nb,"2"\n"c\r\n",3\r\nd,4'],
])("CSV: one file can mix both line ends (%s)", async (_, text) => {
  expect(await csv(text)).toEqual([
    { record: 1, line: 2, key: "a", value: Buffer.from("1") },
    { record: 2, line: 4, key: "b", value: Buffer.from("2") },
    { record: 3, line: 5, key: "c\r\n", value: Buffer.from("3") },
    { record: 4, line: 7, key: "d", value: Buffer.from("4") },
  ]);
});

test("CSV: malformed quotes are reported with their line, even with mixed line ends", async () => {
  expect(await csv('key,value\na,1\r\nb"c,2\r\n')).toMatchObject([
    { record: 1, key: "a" },
    { record: 2, line: 3, endsInput: true },
  ]);
});

test("CSV: a lone carriage return ends lines if it ends the header", async () => {
  expect(await csv('"a\rb",key,value\r,a,1\r,"b\r",2\r', "utf8", true)).toEqual([
    { record: 1, line: 3, key: "a", value: Buffer.from("1") },
    { record: 2, line: 4, key: "b\r", value: Buffer.from("2") },
  ]);
});

test("CSV: only the records with a stray carriage return are rejected, for any size of chunks", async () => {
  const key = fc.constantFrom("a", "\ra", "a\r", '"\r"', '"a""\r\n"');
  const row = fc.tuple(key, fc.constantFrom("\n", "\r\n"));
  await fc.assert(
    fc.asyncProperty(fc.array(row), fc.integer({ min: 1, max: 20 }), async (rows, size) => {
      const text = rows.map(([key, end]) => `${key},1${end}`).join("");
      const items = await csv(`key,value\n${text}`, "utf8", false, size);
      expect(items.map((item) => "problem" in item)).toEqual(rows.map(([key]) => /^[^"]*\r/.test(key)));
    }),
  );
});

test.each(["a,1\r\r\n", "a\r,1\n", "a,1\r"])(
  "CSV: a record with a stray carriage return is rejected, and the next record is read (%j)",
  async (row) => {
    expect(await csv(`key,value\n${row}`)).toEqual([
      {
        record: 1,
        line: 2,
        code: "invalid-argument",
        problem: expect.stringContaining("a carriage return"),
      },
    ]);
    const [, after] = await csv(`key,value\n${row}\nb,2\r\n`);
    expect(after).toMatchObject({ record: 2, key: "b", value: Buffer.from("2") });
  },
);

test("CSV: a record with too few or too many columns is rejected, and the next one is read", async () => {
  expect(await csv("key,value\na\nb,2,3\nc,3\n")).toMatchObject([
    { record: 1, line: 2, problem: "its number of columns is 1, but the header has 2" },
    { record: 2, line: 3, problem: "its number of columns is 3, but the header has 2" },
    { record: 3, line: 4, key: "c" },
  ]);
});

test.each([
  ["utf8", Buffer.from([0x61, 0x2c, 0xff]), "not UTF-8"],
  ["base64", Buffer.from("a,YQ"), "not base64"],
  ["hex", Buffer.from("a,0"), "not hex"],
  ["hex", Buffer.from("a,0g"), "not hex"],
] as const)("CSV: a value that is not %s is rejected", async (encoding, row, problem) => {
  expect(await csv(Buffer.concat([Buffer.from("key,value\n"), row]), encoding)).toMatchObject([
    {
      key: "a",
      code: "invalid-argument",
      problem: expect.stringContaining(`its value is ${problem}`),
    },
  ]);
});

test("CSV: a key that is not UTF-8 is rejected", async () => {
  const text = Buffer.concat([Buffer.from("key,value\n"), Buffer.from([0xff]), Buffer.from(",1\n")]);
  expect(await csv(text)).toMatchObject([{ problem: expect.stringMatching(/^its key is not UTF-8/) }]);
});

test.each(['a,1\nb"c,2\nd,4\n', 'a,1\n"b"c,2\nd,4\n', 'a,1\n"b,2\nd,4\n'])(
  "CSV: readCsv yields the records before malformed quotes and then stops (%j)",
  async (rows) => {
    expect(await csv(`key,value\n${rows}`)).toMatchObject([
      { record: 1, key: "a" },
      { record: 2, line: 3, code: "invalid-argument", endsInput: true },
    ]);
  },
);

test("CSV: an unclosed quote does not buffer the rest of a large input", async () => {
  expect(await csv(`key,value\n"a,${"x".repeat(10_000)}`)).toMatchObject([
    { record: 1, line: 2, code: "too-large", endsInput: true },
  ]);
});

test.each([
  ["", "is empty"],
  ["a,b\n1,2\n", 'exactly one column named "key"'],
  ["key,key,value\n", 'exactly one column named "key"'],
  ["key,other\n", 'exactly one column named "value"'],
  ["key,value,owner\n", "3 columns"],
  ["key,value,ttl,owner\n", "4 columns"],
  ["key,value,TTL\n", '"key", "value" and "ttl"'],
  ["ttl,key,value,ttl\n", 'exactly one column named "ttl"'],
])("CSV: the header of %j is rejected", async (text, message) => {
  await expect(csv(text)).rejects.toThrow(message);
});

test("CSV: ignoreOtherColumns drops other columns", async () => {
  expect(await csv("TTL,value,x,key\n1,2,3,4\n", "utf8", true)).toEqual([
    { record: 1, line: 2, key: "4", value: Buffer.from("2") },
  ]);
});

test("CSV: the column ttl is optional, and its empty fields are records without ttl", async () => {
  const text = 'ttl,key,value\n1500,a,1\n,b,2\n"",c,3\n9007199254740991,d,4\n';
  expect((await csv(text)).map((item) => ("value" in item ? item.ttl : item))).toEqual([
    1500,
    undefined,
    undefined,
    9007199254740991,
  ]);
});

test.each(["0", "-1", "1.5", "1e3", " 1", "30s", "ttl", "9007199254740992", "\u0661"])(
  "CSV: the ttl %j is rejected with its line, and the next record is read",
  async (ttl) => {
    expect(await csv(`key,value,ttl\na,secret,${ttl}\nb,2,\n`)).toEqual([
      {
        record: 1,
        line: 2,
        key: "a",
        code: "invalid-argument",
        problem: expect.stringMatching(/^its ttl is not an integer number of milliseconds/),
      },
      { record: 2, line: 3, key: "b", value: Buffer.from("2") },
    ]);
  },
);

test("CSV: only the column with the name of the ttl column contains times to live", async () => {
  const read = (text: string, options: Partial<CsvOptions>) =>
    collect(readCsv(chunksOf(text), { ...csvOptions, ...options }));
  expect(await read("key,ttl\na,5\n", { valueColumn: "ttl", ttlColumn: "expiry" })).toEqual([
    { record: 1, line: 2, key: "a", value: Buffer.from("5") },
  ]);
  expect(await read("ttl,value,ms\na,5,7\n", { keyColumn: "ttl", ttlColumn: "ms", requiresTtl: true })).toEqual([
    { record: 1, line: 2, key: "a", value: Buffer.from("5"), ttl: 7 },
  ]);
  await expect(read("key,value\n", { ttlColumn: "ms", requiresTtl: true })).rejects.toThrow(
    'exactly one column named "ms"',
  );
});

test("a list of keys: invalid lines are rejected, and blank lines are skipped", async () => {
  const read = (text: string | Uint8Array, format: "lines" | "json") =>
    collect(readKeyLines(chunksOf(text), format, limits));
  expect(await read("a\r\n\n b \n12345678901\n", "lines")).toMatchObject([
    { record: 1, line: 1, key: "a" },
    { record: 2, line: 3, key: " b " },
    { record: 3, line: 4, code: "too-large" },
  ]);
  expect(await read('"a"\n1\nb\n"\\ud800"\n', "json")).toMatchObject([
    { key: "a" },
    {
      record: 2,
      code: "invalid-argument",
      problem: expect.stringMatching(/^it is not a JSON string/),
    },
    { record: 3, code: "invalid-argument" },
    { record: 4, code: "invalid-argument", problem: "its key contains a lone surrogate" },
  ]);
  expect(await read(Buffer.from([0xff]), "lines")).toMatchObject([{ code: "invalid-argument" }]);
});
