import type { Bucket } from "@manykv/core";
import { type Command, Option } from "commander";
import { isRefused } from "../../records/record.js";
import { ndjsonFormat } from "../../records/record-format.js";
import { readValues } from "../../transfer/read-values.js";
import { CommandError } from "../command-error.js";
import { type ExitCode, exitCode } from "../exit-code.js";
import type { Interrupt } from "../interrupt.js";
import { addKeysOptions, type KeysFlags, type KeysInput, openKeys } from "../keys-input.js";
import { formatCount, say } from "../messages.js";
import { addBucketOptions, type BucketFlags, batchSizeOption } from "../options.js";
import { type Output, openOutput } from "../output.js";
import { withBucket } from "../with-bucket.js";
import type { Finish } from "./finish.js";

interface GetFlags extends BucketFlags, KeysFlags {
  readonly format?: "raw" | "ndjson";
  readonly batchSize: number;
}

export function addGetCommand(program: Command, finish: Finish): void {
  const command = program
    .command("get")
    .summary("print the values of keys")
    .description("Print the value of one key as it is, or the records of many keys as NDJSON.");
  addBucketOptions(addKeysOptions(command))
    .addOption(
      new Option("-f, --format <name>", "raw: the bytes alone; ndjson (default: raw for one key)").choices([
        "raw",
        "ndjson",
      ]),
    )
    .addOption(batchSizeOption())
    .addHelpText("after", help)
    .action(finish(runGet));
}

const help = `
Exits with 1 when a key has no value, and names it on standard error.

Examples
  manykv get fr
  manykv get logo > logo.png
  manykv get fr de it | jq -r .value
  manykv get --keys-from keys.txt > records.ndjson`;

async function runGet(keys: string[], flags: GetFlags): Promise<ExitCode> {
  const isSingle = keys.length === 1 && flags.keysFrom === undefined;
  const format = flags.format ?? (isSingle ? "raw" : "ndjson");
  if (format === "raw" && !isSingle) {
    throw new CommandError(
      exitCode.usage,
      "raw values of many keys would run into each other: get one, or use ndjson",
    );
  }
  return withBucket(flags, async (bucket, interrupt) => {
    const input = await openKeys(keys, flags, bucket.limits, interrupt.stop);
    const output = await openOutput("-");
    return printValues(bucket, input, output, { ...flags, format }, interrupt);
  });
}

async function printValues(
  bucket: Bucket,
  input: KeysInput,
  output: Output,
  { format, batchSize }: GetFlags,
  interrupt: Interrupt,
): Promise<ExitCode> {
  const complaints = new Complaints();
  const batches = readValues(acceptedKeys(input, complaints), {
    read: (keys) => bucket.getMany(keys, { signal: interrupt.abort }),
    batchSize,
  });
  for await (const { keys, records } of batches) {
    interrupt.stop.throwIfAborted();
    for (const [index, key] of keys.entries()) {
      if (records[index] === undefined) complaints.add(`no value for the key ${JSON.stringify(key)}`);
    }
    const present = records.filter((record) => record !== undefined);
    if (format === "ndjson") await output.write(ndjsonFormat.format(present).text);
    else for (const [, value] of present) await output.write(value);
  }
  complaints.finish();
  return complaints.count === 0 ? exitCode.done : exitCode.incomplete;
}

async function* acceptedKeys({ source }: KeysInput, complaints: Complaints): AsyncGenerator<string[]> {
  for await (const items of source) {
    const keys: string[] = [];
    for (const item of items) {
      if (isRefused(item)) complaints.add(`line ${item.line} (record ${item.record}): ${item.refusal}`);
      else keys.push(item.key);
    }
    yield keys;
  }
}

/** Tells the first keys that could not be had, and how many there are. */
class Complaints {
  count = 0;

  add(message: string): void {
    if (++this.count <= toldComplaints) say(message);
  }

  finish(): void {
    if (this.count > toldComplaints) say(`... and ${formatCount(this.count - toldComplaints, "more key")}`);
  }
}

const toldComplaints = 10;
