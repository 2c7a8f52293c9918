import type { Buffer } from "node:buffer";
import type { Limits } from "@manykv/core";
import { type Command, Option } from "commander";
import { parseJson } from "../records/json-object.js";
import { isBlank, type Line, lineTooLong, notUtf8, splitLines } from "../records/lines.js";
import { checkKey, type Item, type KeyRecord, type Position, type RejectedRecord } from "../records/record.js";
import { textInput } from "../records/text-input.js";
import { CommandError, exitCode } from "./errors.js";
import { type Input, openInput } from "./input.js";

export interface KeysFlags {
  readonly keysFrom?: string;
  readonly keysFormat?: KeyFormat;
}

export function addKeysOptions(command: Command): Command {
  return command
    .argument("[keys...]", "keys; put -- before keys if one starts with a dash")
    .option("--keys-from <file>", "read the keys from a file, or from standard input (-)")
    .addOption(keyFormatOption("--keys-format <name>", "--keys-from: "));
}

export function keyFormatOption(flags: string, scope = ""): Option {
  const description = `${scope}one key per line: plain text (lines, the default) or JSON strings (json)`;
  return new Option(flags, description).choices(keyFormats);
}

export interface KeysInput {
  readonly source: AsyncIterable<Item<KeyRecord>[]>;
  /** Absent if the keys are arguments. */
  readonly input?: Input;
}

/** Opens the source of a subcommand's keys: its arguments, a file or standard input. */
export async function openKeys(
  keys: readonly string[],
  flags: KeysFlags,
  limits: Limits,
  stop: AbortSignal,
): Promise<KeysInput> {
  if ((keys.length === 0) === (flags.keysFrom === undefined))
    throw new CommandError(exitCode.usage, "pass keys either as arguments or with --keys-from");
  if (flags.keysFrom === undefined) {
    if (flags.keysFormat !== undefined)
      throw new CommandError(exitCode.usage, "--keys-format applies only to --keys-from: a key argument is plain text");
    return { source: fromArguments(keys, limits) };
  }
  const input = await openInput(flags.keysFrom, stop);
  return { source: readKeyLines(input.chunks, flags.keysFormat ?? "lines", limits), input };
}

async function* fromArguments(keys: readonly string[], limits: Limits): AsyncGenerator<Item<KeyRecord>[]> {
  yield keys.map((key, index) => checkKey({ record: index + 1, line: index + 1 }, key, limits));
}

/**
 * Format of a list of keys, one per line. `lines` is plain text, which cannot represent the empty key, a key that has a
 * line break or NUL, or a key that starts with a byte order mark. `json` has JSON strings and represents every key.
 */
export type KeyFormat = "lines" | "json";

export const keyFormats: readonly KeyFormat[] = ["lines", "json"];

// A line with such a character suggests that the list is UTF-16, separates its keys with NUL or carriage returns, or
// joins files that start with a byte order mark. If the character became part of a key, the key would be wrong.
const notInLine = /^\ufeff|[\r\n\0]/;

/** Returns the line for a key, or `undefined` if the format cannot represent the key. */
export function formatKey(key: string, format: KeyFormat): string | undefined {
  if (format === "json") return JSON.stringify(key);
  return key === "" || notInLine.test(key) ? undefined : key;
}

/** Reads keys in the format of {@link formatKey}. Skips blank lines. */
export async function* readKeyLines(
  chunks: AsyncIterable<Buffer>,
  format: KeyFormat,
  limits: Limits,
): AsyncGenerator<Item<KeyRecord>[]> {
  const maxBytes = limits.maxKeyBytes * 6 + 4096;
  let record = 0;
  for await (const lines of splitLines(textInput(chunks), maxBytes)) {
    const items: Item<KeyRecord>[] = [];
    for (const line of lines) {
      if (isSkipped(line, format)) continue;
      const position: Position = { record: ++record, line: line.number };
      const parsed = parseLine(line, format, maxBytes);
      if ("problem" in parsed) items.push({ ...position, ...parsed });
      else items.push(checkKey(position, parsed.key, limits));
    }
    yield items;
  }
}

/** Returns whether a line contains no key. In plain text, a line that consists of blanks is a key. */
function isSkipped(line: Line, format: KeyFormat): boolean {
  return format === "json" ? isBlank(line) : "text" in line && /^\r?$/.test(line.text);
}

type ParsedKey = { readonly key: string } | Pick<RejectedRecord, "code" | "problem">;

function parseLine(line: Line, format: KeyFormat, maxBytes: number): ParsedKey {
  if ("defect" in line) {
    return line.defect === "not UTF-8"
      ? invalid(`it is ${notUtf8}`)
      : { code: "too-large", problem: lineTooLong(maxBytes) };
  }
  return format === "json" ? parseJsonKey(line.text) : parseTextKey(line.text.replace(/\r$/, ""));
}

function parseTextKey(text: string): ParsedKey {
  if (!notInLine.test(text)) return { key: text };
  return invalid(
    "it contains a carriage return or NUL, or starts with a byte order mark: end each line with a line feed, or pass --keys-format json",
  );
}

function parseJsonKey(text: string): ParsedKey {
  const key = parseJson(text);
  if (typeof key === "string") return { key };
  return invalid(
    "it is not a JSON string: write one JSON string on each line, for example with `jq -c '.[]'` for an array of keys",
  );
}

function invalid(problem: string): ParsedKey {
  return { code: "invalid-argument", problem };
}
