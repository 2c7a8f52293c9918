import type { Command } from "commander";
import { countKeys } from "../count-keys.js";
import { type ExitCode, exitCode } from "../errors.js";
import { addBucketOptions, type BucketFlags, prefixOption, type ToAction } from "../options.js";
import { openStandardOutput } from "../output.js";
import { withBucket } from "../with-bucket.js";

interface CountFlags extends BucketFlags {
  readonly prefix?: string;
}

export function addCountCommand(program: Command, toAction: ToAction): void {
  const command = program
    .command("count")
    .summary("print the number of keys")
    .description("Print the number of keys of a bucket. Lists all of them, so the time depends on their number.");
  addBucketOptions(command)
    .addOption(prefixOption("count only keys that start with this text"))
    .addHelpText("after", help)
    .action(toAction(runCount));
}

const help = `
Keys that other clients add or delete during the run may or may not be counted. Redis
may list a key twice while other clients write. The key then counts twice.

Examples
  manykv count
  manykv count --prefix user:`;

async function runCount(flags: CountFlags): Promise<ExitCode> {
  return withBucket(flags, async (bucket, { stop }) => {
    const output = await openStandardOutput(stop);
    const count = await countKeys(bucket, flags.prefix, stop, flags);
    await output.write(flags.json ? `${JSON.stringify({ count })}\n` : `${count}\n`);
    return exitCode.done;
  });
}
