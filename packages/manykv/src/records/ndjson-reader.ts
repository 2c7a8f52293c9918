import type { Buffer } from "node:buffer";
import type { Limits } from "@manykv/core";
import { refuseStartBeyond } from "./input-error.js";
import { parseRecord, parseRecordWithKeyField } from "./json-record.js";
import { type Line, splitLines, withoutByteOrderMark } from "./lines.js";
import { checkedRecord, type Item, type ValueRecord } from "./record.js";

export interface NdjsonOptions {
  /** The member that holds the key, where the whole record is the value. */
  readonly keyField?: string | undefined;
  /** Records before this one are counted, and neither checked nor given. */
  readonly fromRecord: number;
  readonly limits: Limits;
}

/** Reads records from NDJSON (https://github.com/ndjson/ndjson-spec). Blank lines are skipped. */
export async function* readNdjson(
  chunks: AsyncIterable<Buffer>,
  options: NdjsonOptions,
): AsyncGenerator<Item<ValueRecord>[]> {
  let record = 0;
  for await (const lines of splitLines(withoutByteOrderMark(chunks), longestLine(options.limits))) {
    const items: Item<ValueRecord>[] = [];
    for (const line of lines) {
      if (isBlank(line)) continue;
      record++;
      if (record >= options.fromRecord) items.push(itemOf(line, record, options));
    }
    yield items;
  }
  refuseStartBeyond(record, options.fromRecord);
}

function itemOf(line: Line, record: number, { keyField, limits }: NdjsonOptions): Item<ValueRecord> {
  const place = { record, line: line.number };
  if ("defect" in line) return refuseLine(place, line.defect, limits);
  const parsed =
    keyField === undefined ? parseRecord(line.text) : parseRecordWithKeyField(line.text, keyField);
  if ("refusal" in parsed) return { ...place, ...parsed, code: "invalid-argument" };
  return checkedRecord(place, parsed.key, parsed.value, limits);
}

function refuseLine(
  place: { record: number; line: number },
  defect: "not UTF-8" | "too long",
  limits: Limits,
): Item<ValueRecord> {
  if (defect === "not UTF-8") return { ...place, code: "invalid-argument", refusal: "it is not UTF-8" };
  return { ...place, code: "too-large", refusal: `its line is over ${longestLine(limits)} bytes` };
}

/** JSON may write each byte of text as six (`\u0000`); the rest is for names and blanks. */
function longestLine({ maxKeyBytes, maxValueBytes }: Limits): number {
  return (maxKeyBytes + maxValueBytes) * 6 + 4096;
}

function isBlank(line: Line): boolean {
  return "text" in line && line.text.trim() === "";
}
