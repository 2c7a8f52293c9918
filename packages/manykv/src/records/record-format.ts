import type { KeyValue } from "@manykv/core";
import { stringify } from "csv-stringify/sync";
import { formatRecord } from "./json-record.js";
import { encodeValue, type ValueEncoding } from "./value-encoding.js";

/** How records are written as text. */
export interface RecordFormat {
  /** What comes before the first record. */
  readonly header: string;
  /** The text of records, up to the first whose value the format has no text for: `count` says how many. */
  format(records: readonly KeyValue[]): { readonly text: string; readonly count: number };
}

export const ndjsonFormat: RecordFormat = {
  header: "",
  format: (records) => ({
    text: records.map(([key, value]) => `${formatRecord(key, value)}\n`).join(""),
    count: records.length,
  }),
};

export function csvFormat(keyColumn: string, valueColumn: string, encoding: ValueEncoding): RecordFormat {
  return {
    header: stringify([[keyColumn, valueColumn]]),
    format: (records) => {
      const rows: string[][] = [];
      for (const [key, value] of records) {
        const text = encodeValue(value, encoding);
        if (text === undefined) break;
        rows.push([key, text]);
      }
      return { text: stringify(rows), count: rows.length };
    },
  };
}
