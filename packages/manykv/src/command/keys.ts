import type { Buffer } from "node:buffer";
import type { Limits } from "@manykv/core";
import { type Command, Option } from "commander";
import { splitLines, withoutByteOrderMark } from "../records/lines.js";
import { checkKey, type Item, type KeyRecord, type Position } from "../records/record.js";
import { CommandError, exitCode } from "./errors.js";
import { type Input, openInput } from "./input.js";

export interface KeysFlags {
  readonly keysFrom?: string;
  readonly keysFormat: KeyFormat;
}

export function addKeysOptions(command: Command): Command {
  return command
    .argument("[keys...]", "keys; put -- before a key that starts with a dash")
    .option("--keys-from <file>", "read the keys from a file, or from standard input (-)")
    .addOption(keyFormatOption("--keys-format <name>", "one key per line: plain text (lines) or JSON strings (json)"));
}

export function keyFormatOption(flags: string, description: string): Option {
  return new Option(flags, description).choices(keyFormats).default("lines");
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
  if (flags.keysFrom === undefined) return { source: fromArguments(keys, limits) };
  const input = await openInput(flags.keysFrom, stop);
  return { source: readKeyLines(input.chunks, flags.keysFormat, limits), input };
}

async function* fromArguments(keys: readonly string[], limits: Limits): AsyncGenerator<Item<KeyRecord>[]> {
  yield keys.map((key, index) => checkKey({ record: index + 1, line: index + 1 }, key, limits));
}

/**
 * Format of a list of keys, one per line. `lines` is plain text and cannot represent the empty key, a key that contains
 * a line break, or a key that starts with a byte order mark. `json` is a JSON string and can represent every key.
 */
export type KeyFormat = "lines" | "json";

export const keyFormats: readonly KeyFormat[] = ["lines", "json"];

/** Returns the line for a key, or `undefined` if the format cannot represent the key. */
export function formatKey(key: string, format: KeyFormat): string | undefined {
  if (format === "json") return JSON.stringify(key);
  return /^$|^\ufeff|[\r\n]/.test(key) ? undefined : key;
}

/** Reads keys in the format of {@link formatKey}. Skips blank lines. */
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
      const position: Position = { record: ++record, line: line.number };
      const key = text === undefined || format === "lines" ? text : parseKey(text);
      if (key === undefined) items.push({ ...position, code: "invalid-argument", problem: problems[format] });
      else items.push(checkKey(position, key, limits));
    }
    yield items;
  }
}

const problems: Readonly<Record<KeyFormat, string>> = {
  lines: "it is not UTF-8, or it is longer than the longest possible key",
  json: "it is not a JSON string, or it is longer than the longest possible key",
};

function parseKey(line: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === "string" ? parsed : undefined;
  } catch {
    return undefined;
  }
}
