import { type Buffer, isUtf8 } from "node:buffer";
import type { Limits } from "@manykv/core";
import { CsvError, type Info, parse } from "csv-parse";
import { lineEndsFor, withWholeHeader } from "./csv-line-ends.js";
import { StrayReturns } from "./csv-stray-returns.js";
import { InputError, refuseStartBeyond } from "./input-error.js";
import { withoutByteOrderMark } from "./lines.js";
import { checkedRecord, type Item, type Place, type ValueRecord } from "./record.js";
import { decodeValue, type ValueEncoding } from "./value-encoding.js";

export interface CsvOptions {
  readonly keyColumn: string;
  readonly valueColumn: string;
  readonly encoding: ValueEncoding;
  /** Whether there may be other columns, which get lost. */
  readonly ignoreOtherColumns: boolean;
  /** Records before this one are counted, and not given. */
  readonly fromRecord: number;
  readonly limits: Limits;
}

/**
 * Reads records from CSV (RFC 4180, https://www.rfc-editor.org/rfc/rfc4180) with a header. Where quotes are broken,
 * the input ends: what follows cannot be told apart.
 */
export async function* readCsv(
  chunks: AsyncIterable<Buffer>,
  options: CsvOptions,
): AsyncGenerator<Item<ValueRecord>[]> {
  let rows: RowReader | undefined;
  for await (const chunk of withWholeHeader(withoutByteOrderMark(chunks))) {
    rows ??= new RowReader(options, lineEndsFor(chunk));
    await rows.write(chunk);
    yield rows.take();
    if (rows.broken) return;
  }
  await rows?.end();
  if (rows !== undefined) yield rows.take();
  if (rows === undefined || (!rows.hasHeader && !rows.broken))
    throw new InputError("the CSV input is empty: it lacks its header line");
  if (!rows.broken) refuseStartBeyond(rows.records, options.fromRecord);
}

class RowReader {
  readonly #options: CsvOptions;
  readonly #parser: ReturnType<typeof parse>;
  #items: Item<ValueRecord>[] = [];
  #columns: { key: number; value: number; count: number } | undefined;
  #record = 0;
  /** The line on which the next row starts. */
  #line = 1;
  #emptyLines = 0;
  #doubleCounted = 0;
  readonly #strayReturns: StrayReturns | undefined;
  broken = false;

  constructor(options: CsvOptions, lineEnds: string[]) {
    this.#options = options;
    if (!lineEnds.includes("\r")) this.#strayReturns = new StrayReturns();
    this.#parser = parse({
      // Bytes, as a decoding parser would repair what is not UTF-8.
      encoding: false,
      // The first line end would decide for all of them otherwise, and others would become part of values.
      record_delimiter: lineEnds,
      relax_column_count: true,
      skip_empty_lines: true,
      // Hex doubles a value; a quote that is never closed must not take the whole input for one value.
      max_record_size: (options.limits.maxKeyBytes + options.limits.maxValueBytes) * 2 + 4096,
      on_record: (row: unknown, info) => this.#onRow(row as Buffer[], info),
    });
    // Errors are handled where they are caught; without a listener they would end the process.
    this.#parser.on("error", () => {});
  }

  get hasHeader(): boolean {
    return this.#columns !== undefined;
  }

  /** How many records were read. */
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
      this.#onBroken(error);
    }
  }

  #onRow(row: Buffer[], info: Info): undefined {
    const line = this.#line + (info.empty_lines - this.#emptyLines);
    const lastLine = info.lines - this.#doubleCounted;
    this.#emptyLines = info.empty_lines;
    // csv-parse counts a CRLF within quotes as two lines.
    if (lastLine > line) this.#doubleCounted += row.reduce((sum, field) => sum + countCrlf(field), 0);
    this.#line = info.lines - this.#doubleCounted + 1;
    const hasStrayReturn = this.#strayReturns?.takeBefore(info.bytes);
    if (this.#columns === undefined) {
      this.#columns = this.#columnsOf(row.map((name) => name.toString()));
      return;
    }
    this.#record++;
    if (this.#record < this.#options.fromRecord) return;
    const place: Place = { record: this.#record, line };
    this.#items.push(
      hasStrayReturn
        ? { ...place, code: "invalid-argument", refusal: strayReturn }
        : this.#itemOf(row, this.#columns, place),
    );
  }

  #columnsOf(names: string[]): { key: number; value: number; count: number } {
    const columnOf = (name: string, option: string): number => {
      const index = names.indexOf(name);
      if (index !== -1 && names.lastIndexOf(name) === index) return index;
      throw new InputError(
        `the CSV header on line 1 needs one column named ${JSON.stringify(name)}; name another by ${option}`,
      );
    };
    const key = columnOf(this.#options.keyColumn, "--key-column");
    const value = columnOf(this.#options.valueColumn, "--value-column");
    if (names.length > 2 && !this.#options.ignoreOtherColumns) {
      throw new InputError(
        `the CSV input has ${names.length - 2} more columns, which would get lost; --ignore-other-columns allows it`,
      );
    }
    return { key, value, count: names.length };
  }

  #itemOf(
    row: Buffer[],
    columns: { key: number; value: number; count: number },
    place: Place,
  ): Item<ValueRecord> {
    const [keyBytes, valueBytes] = [row[columns.key], row[columns.value]];
    if (row.length !== columns.count || keyBytes === undefined || valueBytes === undefined) {
      const refusal = `it has ${row.length} columns, the header has ${columns.count}`;
      return { ...place, code: "invalid-argument", refusal };
    }
    if (!isUtf8(keyBytes)) return { ...place, code: "invalid-argument", refusal: "its key is not UTF-8" };
    const key = keyBytes.toString();
    const value = this.#valueOf(valueBytes);
    if (value !== undefined) return checkedRecord(place, key, value, this.#options.limits);
    const refusal = `its value is not ${this.#options.encoding}; --encoding names another encoding`;
    return { ...place, key, code: "invalid-argument", refusal };
  }

  #valueOf(bytes: Buffer): Uint8Array | undefined {
    const { encoding } = this.#options;
    if (encoding === "utf8") return isUtf8(bytes) ? bytes : undefined;
    return decodeValue(bytes.toString("latin1"), encoding);
  }

  #onBroken(error: CsvError): void {
    this.broken = true;
    if (error.code === "CSV_MAX_RECORD_SIZE") {
      this.#refuseLast("too-large", "it is larger than any record; maybe its quote is never closed");
    } else {
      this.#refuseLast(
        "invalid-argument",
        "its quotes are broken (RFC 4180), so what follows cannot be read",
      );
    }
  }

  #refuseLast(code: "invalid-argument" | "too-large", refusal: string): void {
    this.#items.push({ record: this.#record + 1, line: this.#line, code, refusal, endsInput: true });
  }
}

const strayReturn = "it has a carriage return that neither ends the line nor stands in quotes (RFC 4180)";

function countCrlf(field: Buffer): number {
  let count = 0;
  for (let at = field.indexOf("\r\n"); at !== -1; at = field.indexOf("\r\n", at + 2)) count++;
  return count;
}
