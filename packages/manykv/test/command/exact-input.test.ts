import { Buffer } from "node:buffer";
import { randomName } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { expect, test } from "vitest";
import { openStore } from "../../src/index.js";
import { formatRecord } from "../../src/records/ndjson.js";
import { runCommand, withoutWarnings } from "../support/command.js";

const store = serviceUrl("redis");

/** Returns the records of a bucket as sorted lines of NDJSON. Does not use the command, because a process takes longer. */
async function contents(name: string): Promise<string[]> {
  await using opened = await openStore(store);
  const bucket = await opened.open(name);
  const keys: string[] = [];
  for await (const key of bucket.keys()) keys.push(key);
  const records = await bucket.getMany(keys);
  return records.flatMap((record) => (record === undefined ? [] : [formatRecord(record)])).sort();
}

function lines(records: Record<string, string | Uint8Array>): string[] {
  return Object.entries(records)
    .map(([key, value]) => formatRecord([key, Buffer.from(value as string)]))
    .sort();
}

test.each<[what: string, input: string, args: string[], records: Record<string, string | Uint8Array>]>([
  ["blanks", '{"key":" a ","value":" 1 "}\n', [], { " a ": " 1 " }],
  ["blanks in CSV", 'key,value\n b , 2 \n" c "," 3 "\n', ["-f", "csv"], { " b ": " 2 ", " c ": " 3 " }],
  ["an empty key and value", '{"key":"","value":""}\n', [], { "": "" }],
  ["an empty key and value in CSV", "key,value\n,\n", ["-f", "csv"], { "": "" }],
  ["a byte order mark", `\ufeff{"key":"a","value":"\ufeff1"}\n`, [], { a: "\ufeff1" }],
  [
    "a byte order mark in CSV",
    "\ufeffkey,value\na,\ufeff1\n\ufeffb,2\n",
    ["-f", "csv"],
    { a: "\ufeff1", "\ufeffb": "2" },
  ],
  ["NUL in CSV", "key,value\na\0,1\0\n", ["-f", "csv"], { "a\0": "1\0" }],
  ["no line feed at the end", '{"key":"a","value":"1"}', [], { a: "1" }],
  ["no line feed at the end of CSV", "key,value\na,1", ["-f", "csv"], { a: "1" }],
  ["a surrogate pair", '{"key":"\\ud83d\\ude00","value":"\\ud83d\\ude00"}', [], { "😀": "😀" }],
  [
    "letters that look the same",
    '{"key":"\u00e9","value":"1"}\n{"key":"e\u0301","value":"2"}',
    [],
    { "\u00e9": "1", "e\u0301": "2" },
  ],
  ["a key twice: the last record wins", '{"key":"a","value":"1"}\n{"key":"a","value":"2"}\n', [], { a: "2" }],
  ["a key twice in CSV: the last record wins", "key,value\na,1\nb,3\na,2\n", ["-f", "csv"], { a: "2", b: "3" }],
  [
    "a whole line",
    ' {"id":"a", "x":1.50, "y":"\\u0041", "z":9007199254740993} \n',
    ["--key-field", "id"],
    { a: '{"id":"a", "x":1.50, "y":"\\u0041", "z":9007199254740993}' },
  ],
  [
    "a name that is repeated in an inner object",
    '{"id":"a","x":{"id":1,"id":2}}\n',
    ["--key-field", "id"],
    { a: '{"id":"a","x":{"id":1,"id":2}}' },
  ],
  ["quotes, braces and colons in strings", '{"key":"\\"}:{\\\\","value":"\\\\\\":[{"}\n', [], { '"}:{\\': '\\":[{' }],
  ["semicolons", 'key;value\na;"1;2"\nb;3,4\n', ["-f", "csv", "--delimiter", ";"], { a: "1;2", b: "3,4" }],
  ["tabs", "key\tvalue\na\t1,2\n", ["-f", "csv", "--delimiter", "tab"], { a: "1,2" }],
])("import stores exactly what the input contains: %s", async (_, input, args, records) => {
  const bucket = randomName();
  const { code, stderr } = await runCommand(["import", "-b", bucket, ...args], { store, input });
  expect(withoutWarnings(stderr)).toMatch(/^manykv: imported \d records?, /);
  expect(code).toBe(0);
  expect(await contents(bucket)).toEqual(lines(records));
});

test.each<[what: string, input: string, args: string[], message: RegExp]>([
  ["two keys", '{"key":"b","key":"c","value":"1"}', [], /a name occurs twice/],
  ["two values", '{"key":"b","value":"1","value":"1"}', [], /a name occurs twice/],
  ["two values, one escaped", '{"key":"b","value":"1","valu\\u0065":"2"}', [], /a name occurs twice/],
  ["two base64", '{"key":"b","base64":"","base64":"YQ=="}', [], /a name occurs twice/],
  ["two key fields", '{"id":"b","x":{},"id":"c"}', ["--key-field", "id"], /a name occurs twice/],
  ["a rounded number", '{"id":9007199254740993}', ["--key-field", "id"], /safe integer/],
  ["a rounded fraction", '{"id":1.00000000000000000001}', ["--key-field", "id"], /safe integer/],
  ["an exponent", '{"x":"\\"id\\":100","id":1e2}', ["--key-field", "id"], /safe integer/],
  ["a decimal point", '{"id": 1.0}', ["--key-field", "id"], /safe integer/],
  ["minus zero", '{"id":-0}', ["--key-field", "id"], /safe integer/],
  ["a number as value", '{"key":"b","value":1.50}', [], /"value" is not a string/],
  ["a lone surrogate", '{"key":"b","value":"\\ud800"}', [], /lone surrogate/],
  ["a lone surrogate in the key", '{"key":"\\udc00","value":""}', [], /lone surrogate/],
  ["a no-break space", "\u00a0", [], /not a JSON object/],
  ["base64 in the URL alphabet", '{"key":"b","base64":"_-8="}', [], /standard base64/],
  ["base64 without padding", '{"key":"b","base64":"YQ"}', [], /standard base64/],
  ["base64 with a line feed", '{"key":"b","base64":"YQ==\\n"}', [], /standard base64/],
  ["base64 with stray bits", '{"key":"b","base64":"YR=="}', [], /standard base64/],
])("import rejects a record that it would have to change: %s", async (_, line, args, message) => {
  const bucket = randomName();
  const before = args.length === 0 ? '{"key":"a","value":"1"}' : '{"id":"a"}';
  const input = `${before}\n${line}\n`;
  const { code, stderr } = await runCommand(["import", "-b", bucket, ...args], { store, input });
  expect(withoutWarnings(stderr)).toMatch(/^manykv: line 2 \(record 2\): not applied: /);
  expect(stderr).toMatch(message);
  expect(code).toBe(1);
  expect(await contents(bucket)).toHaveLength(1);
});

test.each([
  ["base64", "_-8="],
  ["base64", "YQ"],
  ["base64", "YR=="],
  ["base64", " YQ=="],
  ["base64", "YQ==\n"],
  ["hex", "0x00"],
  ["hex", "0"],
  ["hex", "00 11"],
])("a value that is not exactly %s is rejected: %j", async (encoding, text) => {
  const bucket = randomName();
  const set = await runCommand(["set", "-b", bucket, "--encoding", encoding, "k", text], { store });
  expect(set).toMatchObject({ code: 2, stderr: expect.stringContaining(`the value is not ${encoding}`) });
  const input = `key,value\nk,"${text}"\n`;
  const imported = await runCommand(["import", "-b", bucket, "-f", "csv", "--encoding", encoding], { store, input });
  expect(imported).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(new RegExp(`its value is not ${encoding}`)),
  });
  expect(await contents(bucket)).toEqual([]);
});

test("the keys of a list are never trimmed or split", async () => {
  const bucket = randomName();
  const keys = [" a ", "\tb", " ", '"c"', "d,e", "f\u2028g", "h\u0085", "i\ufeff"];
  const input = keys.map((key) => `${JSON.stringify({ key, value: "1" })}\n`).join("");
  expect(await runCommand(["import", "-b", bucket], { store, input })).toMatchObject({ code: 0 });
  const list = `\ufeff\n${keys.join("\r\n")}`;
  const got = await runCommand(["get", "-b", bucket, "--keys-from", "-"], { store, input: list });
  expect(got).toMatchObject({ code: 0, stderr: "" });
  expect(got.stdout.toString()).toBe(keys.map((key) => `${formatRecord([key, Buffer.from("1")])}\n`).join(""));
});
