import { Buffer } from "node:buffer";
import { joinStart } from "./join-start.js";
import { InputError } from "./record.js";

const byteOrderMark = Buffer.from("\ufeff");
const lineFeed = 0x0a;

/**
 * Yields the bytes of a text input without a UTF-8 byte order mark at the start. Throws if the input starts like a file
 * that is not UTF-8 text, such as a gzip file, because errors about its lines would not name the real problem.
 */
export async function* textInput(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let isStart = true;
  for await (const chunk of joinStart(chunks, isCheckable)) {
    yield isStart ? checkedStart(chunk) : chunk;
    isStart = false;
  }
}

/** Returns whether the start can be checked. A complete line is enough, because more bytes may arrive much later. */
function isCheckable(start: Buffer): boolean {
  return start.length >= maxSignatureBytes || start.includes(lineFeed);
}

function checkedStart(start: Buffer): Buffer {
  const problem = problemOf(start);
  if (problem !== undefined) throw new InputError(`the input is not UTF-8 text: ${problem}`);
  return startsWith(start, byteOrderMark) ? start.subarray(byteOrderMark.length) : start;
}

function problemOf(start: Buffer): string | undefined {
  const known = signatures.find(([bytes]) => startsWith(start, bytes));
  if (known !== undefined) return known[1];
  const [first, second] = start;
  if (first === undefined || second === undefined || (first === 0) === (second === 0)) return undefined;
  return `it seems to be UTF-16 without a byte order mark. ${conversion(first === 0 ? "UTF-16BE" : "UTF-16LE")}`;
}

function startsWith(bytes: Buffer, prefix: Buffer): boolean {
  return bytes.subarray(0, prefix.length).equals(prefix);
}

function compressed(format: string, command: string): string {
  return `it is compressed with ${format}. Decompress it first, for example with \`${command} FILE | manykv ...\``;
}

function conversion(encoding: string): string {
  return `Convert it first, for example with \`iconv -f ${encoding} -t UTF-8 FILE | manykv ...\`, or save it as UTF-8`;
}

const sheet = "Extract a file from it, or save the sheet as CSV (UTF-8)";

/** First bytes of files that users may mistake for text. UTF-32 is before UTF-16, because its mark is longer. */
const signatures: readonly (readonly [Buffer, problem: string])[] = [
  [Buffer.from("1f8b", "hex"), compressed("gzip", "gunzip -c")],
  [Buffer.from("28b52ffd", "hex"), compressed("Zstandard", "zstd -dc")],
  [Buffer.from("fd377a585a00", "hex"), compressed("xz", "xz -dc")],
  // "BZh" alone may be the start of a key.
  ...Array.from("123456789", (level) => [Buffer.from(`BZh${level}1AY&SY`), compressed("bzip2", "bzip2 -dc")] as const),
  [Buffer.from("04224d18", "hex"), compressed("LZ4", "lz4 -dc")],
  [Buffer.from("1f9d", "hex"), compressed("compress", "uncompress -c")],
  [Buffer.from("PK\x03\x04"), `it is a ZIP archive or a spreadsheet, such as an Excel workbook. ${sheet}`],
  [Buffer.from("d0cf11e0a1b11ae1", "hex"), `it is an Office document, such as an Excel workbook. ${sheet}`],
  [Buffer.from("377abcaf271c", "hex"), "it is a 7z archive. Extract a file from it"],
  [Buffer.from("PAR1\x15"), "it is a Parquet file. Convert it to CSV or NDJSON"],
  [Buffer.from("Obj\x01"), "it is an Avro file. Convert it to CSV or NDJSON"],
  [Buffer.from("ARROW1\0"), "it is an Arrow file. Convert it to CSV or NDJSON"],
  [Buffer.from("SQLite format 3\0"), "it is an SQLite database. Export a table as CSV or NDJSON"],
  [Buffer.from("PGDMP\x01"), "it is a Postgres dump. Export a table as CSV or NDJSON"],
  [Buffer.from("fffe0000", "hex"), `it is UTF-32. ${conversion("UTF-32LE")}`],
  [Buffer.from("0000feff", "hex"), `it is UTF-32. ${conversion("UTF-32BE")}`],
  [Buffer.from("fffe", "hex"), `it is UTF-16. ${conversion("UTF-16")}`],
  [Buffer.from("feff", "hex"), `it is UTF-16. ${conversion("UTF-16")}`],
];

const maxSignatureBytes = Math.max(...signatures.map(([bytes]) => bytes.length));
