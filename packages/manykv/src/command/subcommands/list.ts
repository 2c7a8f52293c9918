import type { Command } from "commander";
import { listPages } from "../../transfer/read-values.js";
import { CommandError, type ExitCode, exitCode } from "../errors.js";
import { formatKey, type KeyFormat, keyFormatOption } from "../keys.js";
import { addBucketOptions, type BucketFlags, prefixOption, type ToAction } from "../options.js";
import { type Output, openStandardOutput } from "../output.js";
import { withBucket } from "../with-bucket.js";

interface ListFlags extends BucketFlags {
  readonly prefix?: string;
  readonly format?: KeyFormat;
}

export function addListCommand(program: Command, toAction: ToAction): void {
  const command = program
    .command("list")
    .summary("print all keys")
    .description("Print all keys of a bucket, one per line, in no particular order.");
  addBucketOptions(command)
    .addOption(keyFormatOption("-f, --format <name>"))
    .addOption(prefixOption("print only keys that start with this text"))
    .addHelpText("after", help)
    .action(toAction(runList));
}

const help = `
A line cannot represent an empty key, a key that contains a line break or NUL, or a
key that starts with a byte order mark. At such a key, list stops with exit code 1.
--format json prints every key. A key may be printed twice.

Examples
  manykv list | wc -l
  manykv list --prefix user: --format json`;

async function runList(flags: ListFlags): Promise<ExitCode> {
  const format = flags.format ?? (flags.json ? "json" : "lines");
  if (format === "lines" && flags.json)
    throw new CommandError(exitCode.usage, "--json and --format lines contradict each other: pass only one");
  return withBucket(flags, async (bucket, interrupt) => {
    const output = await openStandardOutput(interrupt.stop);
    for await (const keys of listPages(bucket, flags.prefix, { signal: interrupt.stop })) {
      await printKeys(keys, format, output);
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
        "a key is empty, contains a line break or NUL, or starts with a byte order mark: pass --format json",
      );
    }
    lines.push(`${line}\n`);
  }
  await output.write(lines.join(""));
}
