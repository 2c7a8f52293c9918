import { type Buffer, isUtf8 } from "node:buffer";
import type { Limits } from "@manykv/core";
import { CsvError, type Info, parse } from "csv-parse";
import { stringify } from "csv-stringify/sync";
import { type Columns, columnsOf, type HeaderOptions, malformedHeader } from "./csv-header.js";
import { headerOf, lineEndsFor, StrayReturns, withWholeHeader } from "./csv-line-ends.js";
import { notUtf8 } from "./lines.js";
import {
  checkFromRecord,
  checkRecord,
  decodeValue,
  encodeValue,
  InputError,
  type Item,
  invalidTtl,
  isTtl,
  type Position,
  type RecordWriter,
  type RejectedRecord,
  type ValueEncoding,
  type ValueRecord,
} from "./record.js";
import { textInput } from "./text-input.js";

export interface CsvFormat {
  readonly keyColumn: string;
  readonly valueColumn: string;
  readonly ttlColumn: string;
  readonly encoding: ValueEncoding;
  /** Character between the columns. */
  readonly delimiter: string;
}

export interface CsvOptions extends CsvFormat, HeaderOptions {
  /** Number of the first record to yield. Earlier records are only counted. */
  readonly fromRecord: number;
  readonly limits: Limits;
}

/**
 * Reads records from CSV (RFC 4180, https://www.rfc-editor.org/rfc/rfc4180) with a header. Stops at malformed quotes,
 * because the start of the next record is then unknown.
 */
export async function* readCsv(
  chunks: AsyncIterable<Buffer>,
  options: CsvOptions,
): AsyncGenerator<Item<ValueRecord>[]> {
  let rows: RowReader | undefined;
  for await (const chunk of withWholeHeader(textInput(chunks))) {
    rows ??= new RowReader(options, chunk);
    await rows.write(chunk);
    yield rows.take();
    if (rows.failed) return;
  }
  await rows?.end();
  if (rows !== undefined) yield rows.take();
  if (rows === undefined || (!rows.hasHeader && !rows.failed))
    throw new InputError("the CSV input is empty: its first line must be a header");
  if (!rows.failed) checkFromRecord(options.fromRecord, rows.records);
}

export function csvWriter({ keyColumn, valueColumn, ttlColumn, encoding, delimiter }: CsvFormat): RecordWriter {
  return {
    header: stringify([[keyColumn, valueColumn, ttlColumn]], { delimiter }),
    format: (records) => {
      const rows: string[][] = [];
      for (const [key, value, { ttl } = {}] of records) {
        const text = encodeValue(value, encoding);
        if (text === undefined) break;
        rows.push([key, text, ttl === undefined ? "" : String(ttl)]);
      }
      return { text: stringify(rows, { delimiter }), count: rows.length };
    },
  };
}

class RowReader {
  readonly #options: CsvOptions;
  readonly #parser: ReturnType<typeof parse>;
  readonly #header: Buffer;
  #items: Item<ValueRecord>[] = [];
  #columns: Columns | undefined;
  #record = 0;
  /** 1-based number of the line where the next row starts. */
  #line = 1;
  #emptyLines = 0;
  #doubleCounted = 0;
  readonly #strayReturns: StrayReturns | undefined;
  /** Whether the rest of the input cannot be read. */
  failed = false;

  /** `start` contains the first bytes of the input, including the whole header. */
  constructor(options: CsvOptions, start: Buffer) {
    this.#options = options;
    this.#header = headerOf(start);
    const lineEnds = lineEndsFor(start);
    if (!lineEnds.includes("\r")) this.#strayReturns = new StrayReturns();
    this.#parser = parse({
      // Read bytes, because a parser that decodes text would replace invalid UTF-8.
      encoding: false,
      // By default, csv-parse recognizes only the first kind of line end in a file and makes other kinds part of values.
      record_delimiter: lineEnds,
      delimiter: options.delimiter,
      relax_column_count: true,
      skip_empty_lines: true,
      // Hex takes two characters for each byte. Without this limit, an unclosed quote would buffer the whole input.
      max_record_size: (options.limits.maxKeyBytes + options.limits.maxValueBytes) * 2 + 4096,
      on_record: (row: unknown, info) => this.#onRow(row as Buffer[], info),
    });
    // The callbacks of `write` and `end` receive errors. Without a listener, an error would also end the process.
    this.#parser.on("error", () => {});
  }

  get hasHeader(): boolean {
    return this.#columns !== undefined;
  }

  /** Number of records read so far. */
  get records(): number {
    return this.#record;
  }

  take(): Item<ValueRecord>[] {
    const items = this.#items;
    this.#items = [];
    return items;
  }

  write(chunk: Buffer): Promise<void> {
    this.#strayReturns?.scan(chunk);
    return this.#settled((callback) => this.#parser.write(chunk, callback));
  }

  end(): Promise<void> {
    this.#strayReturns?.end();
    return this.#settled((callback) => {
      this.#parser.once("error", callback);
      this.#parser.end(() => callback());
    });
  }

  async #settled(start: (callback: (error?: Error | null) => void) => void): Promise<void> {
    try {
      await new Promise<void>((resolve, reject) => start((error) => (error ? reject(error) : resolve())));
    } catch (error) {
      if (!(error instanceof CsvError)) throw error;
      this.#onMalformed(error);
    }
  }

  #onRow(row: Buffer[], info: Info): undefined {
    const line = this.#line + (info.empty_lines - this.#emptyLines);
    const lastLine = info.lines - this.#doubleCounted;
    this.#emptyLines = info.empty_lines;
    // csv-parse counts a quoted CRLF as two lines.
    if (lastLine > line) this.#doubleCounted += row.reduce((sum, field) => sum + countCrlf(field), 0);
    this.#line = info.lines - this.#doubleCounted + 1;
    const hasStrayReturn = this.#strayReturns?.takeBefore(info.bytes);
    if (this.#columns === undefined) {
      this.#columns = columnsOf(row, this.#header, this.#options);
      return;
    }
    this.#record++;
    if (this.#record < this.#options.fromRecord) return;
    const position: Position = { record: this.#record, line };
    this.#items.push(
      hasStrayReturn
        ? { ...position, code: "invalid-argument", problem: strayReturn }
        : itemOf(row, this.#columns, position, this.#options),
    );
  }

  #onMalformed(error: CsvError): void {
    if (this.#columns === undefined) throw malformedHeader(this.#header, this.#options);
    this.failed = true;
    const position: Position = { record: this.#record + 1, line: this.#line };
    this.#items.push(
      error.code === "CSV_MAX_RECORD_SIZE"
        ? { ...position, code: "too-large", problem: unclosedQuote, endsInput: true }
        : { ...position, code: "invalid-argument", problem: malformedQuotes, endsInput: true },
    );
  }
}

const strayReturn = "it contains a carriage return that neither ends the line nor is inside quotes (RFC 4180)";
const unclosedQuote = "it is larger than the store's limits allow, possibly because a quote is never closed";
const malformedQuotes =
  "its quotes are malformed, so the rest of the input cannot be read: a field with a quote must be in quotes, with two quotes for each quote inside, and without blanks around it (RFC 4180)";

const notEncoded: Readonly<Record<ValueEncoding, string>> = {
  utf8: notUtf8,
  base64: "not base64 in the standard alphabet with padding (for other values, change --encoding)",
  hex: "not hex with two digits for each byte (for other values, change --encoding)",
};

function itemOf(row: Buffer[], columns: Columns, position: Position, options: CsvOptions): Item<ValueRecord> {
  const [keyBytes, valueBytes] = [row[columns.key], row[columns.value]];
  if (row.length !== columns.count || keyBytes === undefined || valueBytes === undefined) {
    const problem = `its number of columns is ${row.length}, but the header has ${columns.count}`;
    return { ...position, code: "invalid-argument", problem };
  }
  if (!isUtf8(keyBytes)) return { ...position, code: "invalid-argument", problem: `its key is ${notUtf8}` };
  const key = keyBytes.toString();
  const rejected = (problem: string): RejectedRecord => ({ ...position, key, code: "invalid-argument", problem });
  const value = bytesOf(valueBytes, options.encoding);
  if (value === undefined) return rejected(`its value is ${notEncoded[options.encoding]}`);
  const ttlText = columns.ttl === undefined ? "" : String(row[columns.ttl]);
  if (ttlText === "") return checkRecord(position, { key, value }, options.limits);
  const ttl = /^\d+$/.test(ttlText) ? Number(ttlText) : undefined;
  if (!isTtl(ttl)) return rejected(`its ttl is ${invalidTtl}`);
  return checkRecord(position, { key, value, ttl }, options.limits);
}

function bytesOf(bytes: Buffer, encoding: ValueEncoding): Uint8Array | undefined {
  if (encoding === "utf8") return isUtf8(bytes) ? bytes : undefined;
  return decodeValue(bytes.toString("latin1"), encoding);
}

function countCrlf(field: Buffer): number {
  let count = 0;
  for (let offset = field.indexOf("\r\n"); offset !== -1; offset = field.indexOf("\r\n", offset + 2)) count++;
  return count;
}
