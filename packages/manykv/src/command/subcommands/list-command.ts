import type { Command } from "commander";
import { formatKey, type KeyFormat } from "../../records/key-lines.js";
import { listPages } from "../../transfer/list-pages.js";
import { CommandError } from "../command-error.js";
import { type ExitCode, exitCode } from "../exit-code.js";
import { addBucketOptions, type BucketFlags, keyFormatOption } from "../options.js";
import { type Output, openOutput } from "../output.js";
import { withBucket } from "../with-bucket.js";
import type { Finish } from "./finish.js";

interface ListFlags extends BucketFlags {
  readonly prefix: string;
  readonly format: KeyFormat;
}

export function addListCommand(program: Command, finish: Finish): void {
  const command = program
    .command("list")
    .summary("print all keys")
    .description("Print all keys of a bucket, one on each line, in no particular order.");
  addBucketOptions(command)
    .addOption(keyFormatOption("-f, --format <name>", "each key as it is, or as a JSON string"))
    .option("--prefix <text>", "only keys that start with this; the store lists all the same", "")
    .addHelpText("after", help)
    .action(finish(runList));
}

const help = `
An empty key, and a key with a line break in it or a byte order mark at its
start, make no line: list stops there with exit code 1, and --format json prints
them. A key may come twice.

Examples
  manykv list | wc -l
  manykv list --prefix user: --format json`;

async function runList(flags: ListFlags): Promise<ExitCode> {
  return withBucket(flags, async (bucket, interrupt) => {
    const output = await openOutput("-");
    for await (const keys of listPages(bucket, flags.prefix, { signal: interrupt.abort })) {
      interrupt.stop.throwIfAborted();
      await printKeys(keys, flags.format, output);
    }
    return exitCode.done;
  });
}

async function printKeys(keys: readonly string[], format: KeyFormat, output: Output): Promise<void> {
  const lines: string[] = [];
  for (const key of keys) {
    const line = formatKey(key, format);
    if (line === undefined) {
      await output.write(lines.join(""));
      throw new CommandError(
        exitCode.incomplete,
        "a key is empty, or has a line break or a byte order mark in it: use --format json",
      );
    }
    lines.push(`${line}\n`);
  }
  await output.write(lines.join(""));
}
