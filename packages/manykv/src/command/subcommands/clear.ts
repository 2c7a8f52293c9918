import type { Command } from "commander";
import { deleteListed, type ListedFlags } from "../delete-records.js";
import type { ExitCode } from "../errors.js";
import { addBucketOptions, addListedOptions, addWriteOptions, type BucketFlags, type ToAction } from "../options.js";
import { withBucket } from "../with-bucket.js";

export function addClearCommand(program: Command, toAction: ToAction): void {
  const command = program
    .command("clear")
    .summary("delete all keys of a bucket")
    .description("Delete all keys of a bucket. Keys that other clients add during the run may remain.");
  addWriteOptions(addListedOptions(addBucketOptions(command)))
    .addHelpText("after", help)
    .action(toAction(runClear));
}

const help = `
Examples
  manykv clear --bucket test --dry-run
  manykv clear --bucket test --yes`;

async function runClear(flags: BucketFlags & ListedFlags): Promise<ExitCode> {
  return withBucket(flags, (bucket, interrupt) => deleteListed(bucket, undefined, flags, interrupt));
}
