import { type Command, Option } from "commander";
import { ndjsonWriter } from "../../records/ndjson.js";
import { isRejected } from "../../records/record.js";
import { type ReadOptions, readValues, recordReader } from "../../transfer/read-values.js";
import { CommandError, type ExitCode, exitCode } from "../errors.js";
import { addKeysOptions, type KeysFlags, type KeysInput, openKeys } from "../keys.js";
import { addBucketOptions, type BucketFlags, batchSizeOption, type ToAction } from "../options.js";
import { type Output, openStandardOutput } from "../output.js";
import { LimitedMessages } from "../terminal.js";
import { withBucket } from "../with-bucket.js";

interface GetFlags extends BucketFlags, KeysFlags {
  readonly format?: "raw" | "ndjson";
  readonly batchSize: number;
}

export function addGetCommand(program: Command, toAction: ToAction): void {
  const command = program
    .command("get")
    .summary("print the values of keys")
    .description("Print the bytes of one value, or the records of many keys as NDJSON.");
  addBucketOptions(addKeysOptions(command))
    .addOption(
      new Option(
        "-f, --format <name>",
        "raw (the bytes of one value) or ndjson (default: raw for one key argument)",
      ).choices(["raw", "ndjson"]),
    )
    .addOption(batchSizeOption())
    .addHelpText("after", help)
    .action(toAction(runGet));
}

const help = `
If a key has no value, get prints the key to stderr and exits with code 1.

Examples
  manykv get fr
  manykv get logo > logo.png
  manykv get fr de it | jq -r .value
  manykv get --keys-from keys.txt > records.ndjson`;

async function runGet(keys: string[], flags: GetFlags): Promise<ExitCode> {
  const isSingle = keys.length === 1 && flags.keysFrom === undefined;
  const format = flags.format ?? (isSingle && !flags.json ? "raw" : "ndjson");
  if (format === "raw" && flags.json) throw new CommandError(exitCode.usage, "--json applies only to --format ndjson");
  if (format === "raw" && !isSingle) {
    throw new CommandError(
      exitCode.usage,
      "--format raw would print several values without a separator: pass one key, or --format ndjson",
    );
  }
  return withBucket(flags, async (bucket, interrupt, store) => {
    const { source, input } = await openKeys(keys, flags, bucket.limits, interrupt.stop);
    if (await input?.isWrittenBy("-")) {
      throw new CommandError(exitCode.usage, "standard output is the file of the keys: redirect it to another file");
    }
    const output = await openStandardOutput(interrupt.stop);
    const calls = { signal: interrupt.stop };
    const read =
      format === "ndjson"
        ? await recordReader(store, bucket, calls)
        : (some: readonly string[]) => bucket.getMany(some, calls);
    return printValues(source, output, format, { read, batchSize: flags.batchSize });
  });
}

async function printValues(
  source: KeysInput["source"],
  output: Output,
  format: "raw" | "ndjson",
  options: ReadOptions,
): Promise<ExitCode> {
  const problems = new LimitedMessages("key");
  const batches = readValues(acceptedKeys(source, problems), options);
  for await (const { keys, records } of batches) {
    for (const [index, key] of keys.entries()) {
      if (records[index] === undefined) problems.add(`no value for the key ${JSON.stringify(key)}`);
    }
    const present = records.filter((record) => record !== undefined);
    if (format === "ndjson") await output.write(ndjsonWriter.format(present).text);
    else for (const [, value] of present) await output.write(value);
  }
  problems.finish();
  return problems.count === 0 ? exitCode.done : exitCode.incomplete;
}

async function* acceptedKeys(source: KeysInput["source"], problems: LimitedMessages): AsyncGenerator<string[]> {
  for await (const items of source) {
    const keys: string[] = [];
    for (const item of items) {
      if (isRejected(item)) problems.add(`line ${item.line} (record ${item.record}): ${item.problem}`);
      else keys.push(item.key);
    }
    yield keys;
  }
}
