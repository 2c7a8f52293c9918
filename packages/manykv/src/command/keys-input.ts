import type { Limits } from "@manykv/core";
import type { Command } from "commander";
import { type KeyFormat, readKeyLines } from "../records/key-lines.js";
import { type Item, type KeyRecord, refuseKey } from "../records/record.js";
import { CommandError } from "./command-error.js";
import { exitCode } from "./exit-code.js";
import { type Input, openInput } from "./input.js";
import { keyFormatOption } from "./options.js";

export interface KeysFlags {
  readonly keysFrom?: string;
  readonly keysFormat: KeyFormat;
}

export interface KeysInput {
  readonly source: AsyncIterable<Item<KeyRecord>[]>;
  /** Absent where the keys are arguments. */
  readonly input?: Input;
}

export function addKeysOptions(command: Command): Command {
  return command
    .argument("[keys...]", "keys; put -- before one that starts with a dash")
    .option("--keys-from <file>", "read the keys from a file, or - for standard input")
    .addOption(keyFormatOption("--keys-format <name>", "a key on each line, as it is or as a JSON string"));
}

/** Opens the keys that a command works on: its arguments, or the lines of a file. */
export async function openKeys(
  keys: readonly string[],
  flags: KeysFlags,
  limits: Limits,
  stop: AbortSignal,
): Promise<KeysInput> {
  if ((keys.length === 0) === (flags.keysFrom === undefined)) {
    throw new CommandError(exitCode.usage, "give keys either as arguments or by --keys-from");
  }
  if (flags.keysFrom === undefined) return { source: fromArguments(keys, limits) };
  const input = await openInput(flags.keysFrom, stop);
  return { source: readKeyLines(input.chunks, flags.keysFormat, limits), input };
}

async function* fromArguments(keys: readonly string[], limits: Limits): AsyncGenerator<Item<KeyRecord>[]> {
  yield keys.map((key, index) => {
    const place = { record: index + 1, line: index + 1 };
    return refuseKey(place, key, limits) ?? { ...place, key };
  });
}
