import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { runCommand } from "../support/command.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const folder = temporaryFolder();
const ndjson = '{"key":"a","value":"topsecret"}\n';
const csv = "key,value\na,topsecret\n";

function bytes(...parts: (string | number[])[]): Buffer {
  return Buffer.concat(parts.map((part) => Buffer.from(part as string)));
}

function utf16(text: string, order: "le" | "be" = "le"): Buffer {
  const littleEndian = Buffer.from(text, "utf16le");
  return order === "le" ? littleEndian : littleEndian.swap16();
}

const files: [what: string, data: Uint8Array, message: RegExp][] = [
  ["gzip", gzipSync(ndjson), /gzip.*gunzip -c FILE \| manykv/],
  ["Zstandard", bytes([0x28, 0xb5, 0x2f, 0xfd, 4, 0]), /Zstandard.*zstd -dc/],
  ["xz", bytes([0xfd], "7zXZ", [0, 0, 4]), /xz -dc/],
  ["bzip2", bytes("BZh91AY&SY", [0x1f, 0x20]), /bzip2 -dc/],
  ["LZ4", bytes([4, 0x22, 0x4d, 0x18, 0x64]), /lz4 -dc/],
  ["an Excel workbook", bytes("PK", [3, 4, 20, 0, 6, 0]), /Excel.*save the sheet as CSV/],
  ["an old Excel workbook", bytes([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]), /Excel.*save the sheet as CSV/],
  ["Parquet", bytes("PAR1", [0x15, 4]), /Parquet/],
  ["Avro", bytes("Obj", [1, 4]), /Avro/],
  ["SQLite", bytes("SQLite format 3\0"), /SQLite/],
  ["UTF-16 with a byte order mark", utf16(`\ufeff${csv}`), /UTF-16.*iconv -f UTF-16 -t UTF-8/],
  ["big-endian UTF-16 with a byte order mark", utf16(`\ufeff${ndjson}`, "be"), /iconv -f UTF-16 -t UTF-8/],
  ["UTF-16 without a byte order mark", utf16(ndjson), /iconv -f UTF-16LE -t UTF-8/],
  ["big-endian UTF-16 without a byte order mark", utf16(csv, "be"), /iconv -f UTF-16BE -t UTF-8/],
  ["UTF-32", bytes([0xff, 0xfe, 0, 0, 0x6b, 0, 0, 0]), /iconv -f UTF-32LE -t UTF-8/],
];

const readers = [["import"], ["import", "--format", "csv"], ["delete", "--keys-from"], ["get", "--keys-from"]];

test.each(files)("import, delete and get name the kind of unsuitable input: %s", async (name, data, message) => {
  const file = folder.file(name, data);
  const runs = readers.flatMap((args) => [
    runCommand([...args, file], { store: "memory:" }),
    runCommand([...args, "-"], { store: "memory:", input: data }),
  ]);
  for (const { code, stdout, stderr } of await Promise.all(runs)) {
    expect(stderr.replaceAll(file, "")).toMatch(message);
    expect(code).toBe(1);
    expect(stdout.toString()).toBe("");
  }
});

test("set --file accepts such an input, because a value can contain any bytes", async () => {
  const set = await runCommand(["set", "k", "--file", "-"], { store: "memory:", input: gzipSync(ndjson) });
  expect(set).toMatchObject({ code: 0, stderr: "" });
});

test.each<[what: string, input: string | Uint8Array, args: string[], message: RegExp]>([
  ["a JSON array", `[${ndjson.trim()}]`, [], /JSON array.*jq -c '\.\[\]'/],
  ["a JSON array over many lines", `[\n  ${ndjson}]\n`, [], /JSON array.*jq -c '\.\[\]'/],
  ["an object over many lines", '{\n  "key": "a",\n  "value": "topsecret"\n}\n', [], /part of a JSON object.*jq -c \./],
  ["a line that is cut off", '{"key":"a","value":"topsec', [], /part of a JSON object.*complete/],
  [
    "objects without a line feed",
    '{"key":"a","value":""}{"key":"b","value":""}\n',
    [],
    /several JSON objects.*jq -c \./,
  ],
  ["carriage returns as line ends", ndjson.repeat(2).replaceAll("\n", "\r"), [], /several JSON objects/],
  ["a comma after the object", `${ndjson.trim()},\n`, [], /comma follows/],
  ["a comma in the object", '{"key":"a","value":"topsecret",}\n', [], /malformed/],
  ["two byte order marks", `\ufeff\ufeff${ndjson}`, [], /byte order mark/],
  ["CSV as NDJSON", csv, [], /--format csv/],
  ["tabs as NDJSON", csv.replaceAll(",", "\t"), [], /--format csv --delimiter tab/],
  ["HTML as NDJSON", "<!DOCTYPE html>\n", [], /HTML/],
  ["another name for the key", '{"Key":"a","Value":"topsecret"}\n', [], /no "key".*--key-field/],
  ["Latin-1", Buffer.from('{"key":"a","value":"é"}\n', "latin1"), [], /not UTF-8 .*iconv/],
  ["NDJSON as CSV", ndjson, ["-f", "csv"], /looks like JSON.*--format ndjson/],
  ["HTML as CSV", '<p class="x">\n', ["-f", "csv"], /HTML/],
  ["semicolons", "key;value\na;topsecret\n", ["-f", "csv"], /semicolons.*--delimiter ';'/],
  ["semicolons and quotes", '"key";"value"\n"a";"topsecret"\n', ["-f", "csv"], /semicolons.*--delimiter ';'/],
  ["semicolons and commas", '"key";"value, net"\n', ["-f", "csv"], /semicolons.*--delimiter ';'/],
  ["semicolons after blank lines", "\r\n\r\nkey;value\r\n", ["-f", "csv"], /semicolons/],
  ["tabs", "key\tvalue\na\ttopsecret\n", ["-f", "csv"], /tabs.*--delimiter tab/],
  ["vertical bars", "key|value\na|topsecret\n", ["-f", "csv"], /vertical bars.*--delimiter '\|'/],
  ["commas, but another --delimiter", csv, ["-f", "csv", "--delimiter", ";"], /commas.*--delimiter ','/],
  ["a sep= line", `sep=,\n${csv}`, ["-f", "csv"], /sep=.*tail -n \+2/],
  ["a sep= line for semicolons", `sep=;\n${csv}`, ["-f", "csv"], /sep=.*--delimiter/],
  ["a column in another case", "Key,Value\na,topsecret\n", ["-f", "csv"], /has "Key".*--key-column "Key"/],
  ["a blank in the header", "key, value\na,topsecret\n", ["-f", "csv"], /--value-column " value"/],
  ["a repeated column", "key,value,value\na,,topsecret\n", ["-f", "csv"], /has 2: rename/],
  ["no header", "a,topsecret\n", ["-f", "csv"], /which is the first line/],
  ["a header that is not UTF-8", Buffer.from("clé,value\n", "latin1"), ["-f", "csv"], /header is not UTF-8.*iconv/],
  ["Latin-1 in a value", Buffer.from("key,value\na,é\n", "latin1"), ["-f", "csv"], /value is not UTF-8.*iconv/],
  ["Latin-1 in a key", Buffer.from("key,value\né,1\n", "latin1"), ["-f", "csv"], /key is not UTF-8.*iconv/],
  ["a quote in a field", 'key,value\na"b,topsecret\n', ["-f", "csv"], /quotes are malformed/],
  ["a blank before a quote", 'key,value\na, "topsecret"\n', ["-f", "csv"], /without blanks around it/],
  ["malformed quotes in the header", '"key"x,value\na,topsecret\n', ["-f", "csv"], /header.*malformed/],
])("import names the problem and prints no value: %s", async (_, input, args, message) => {
  const { code, stdout, stderr } = await runCommand(["import", ...args], { store: "memory:", input });
  expect(stderr).toMatch(message);
  expect(stderr).toContain("imported 0 records");
  expect(stderr).not.toContain("topsec");
  expect(code).toBe(1);
  expect(stdout.toString()).toBe("");
});

test.each<[what: string, input: string | Uint8Array, format: string, message: RegExp]>([
  ["carriage returns as line ends", "a\rb\r", "lines", /carriage return/],
  ["NUL between the keys", "key1\0key2\0", "lines", /NUL/],
  ["a byte order mark in the middle", "\r\n\ufeffa\n", "lines", /byte order mark/],
  ["Latin-1", Buffer.from("é\n", "latin1"), "lines", /not UTF-8.*iconv/],
  ["a line that is too long", "x".repeat(20_000), "lines", /longer than/],
  ["a JSON array", '["a","b"]\n', "json", /not a JSON string.*jq -c '\.\[\]'/],
  ["a comma after the string", '"a",\n', "json", /not a JSON string/],
])("delete and get name the problem of a list of keys: %s", async (_, input, format, message) => {
  for (const command of ["delete", "get"]) {
    const args = [command, "--keys-from", "-", "--keys-format", format];
    const { code, stderr } = await runCommand(args, { store: "memory:", input });
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/no value for|deleted [1-9]/);
    expect(code).toBe(1);
  }
});
