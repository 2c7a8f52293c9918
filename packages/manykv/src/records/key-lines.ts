import type { Buffer } from "node:buffer";
import type { Limits } from "@manykv/core";
import { splitLines, withoutByteOrderMark } from "./lines.js";
import { type Item, type KeyRecord, refuseKey } from "./record.js";

/**
 * How a list of keys is written. `lines`: a key on each line, which does not fit the empty key, nor one
 * with a line break in it or a byte order mark at its start. `json`: each key as a JSON string, which fits every key.
 */
export type KeyFormat = "lines" | "json";

export const keyFormats: readonly KeyFormat[] = ["lines", "json"];

/** The line for a key, or `undefined` where the format has none for it. */
export function formatKey(key: string, format: KeyFormat): string | undefined {
  if (format === "json") return JSON.stringify(key);
  return /^$|^\ufeff|[\r\n]/.test(key) ? undefined : key;
}

/** Reads what {@link formatKey} writes. Blank lines are skipped. */
export async function* readKeyLines(
  chunks: AsyncIterable<Buffer>,
  format: KeyFormat,
  limits: Limits,
): AsyncGenerator<Item<KeyRecord>[]> {
  let record = 0;
  for await (const lines of splitLines(withoutByteOrderMark(chunks), limits.maxKeyBytes * 6 + 4096)) {
    const items: Item<KeyRecord>[] = [];
    for (const line of lines) {
      const text = "text" in line ? line.text.replace(/\r$/, "") : undefined;
      if (text === "") continue;
      const place = { record: ++record, line: line.number };
      const key = text === undefined || format === "lines" ? text : parseKey(text);
      if (key === undefined) items.push({ ...place, code: "invalid-argument", refusal: refusals[format] });
      else items.push(refuseKey(place, key, limits) ?? { ...place, key });
    }
    yield items;
  }
}

const refusals: Readonly<Record<KeyFormat, string>> = {
  lines: "it is not UTF-8, or longer than any key",
  json: "it is not a JSON string, or longer than any key",
};

function parseKey(line: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === "string" ? parsed : undefined;
  } catch {
    return undefined;
  }
}
