import type { Command } from "commander";
import { type ExitCode, exitCode } from "../errors.js";
import { addStoreOptions, type StoreFlags, type ToAction } from "../options.js";
import { openStandardOutput } from "../output.js";
import { withStore } from "../with-bucket.js";

export function addBucketsCommand(program: Command, toAction: ToAction): void {
  const command = program
    .command("buckets")
    .summary("print the names of buckets")
    .description("Print the names of the buckets that hold keys, one per line, in no particular order.");
  addStoreOptions(command).addHelpText("after", help).action(toAction(runBuckets));
}

const help = `
Postgres finds the names in its index. Redis and DynamoDB list all keys.

Example
  for bucket in $(manykv buckets); do manykv export -b "$bucket" "$bucket.ndjson"; done`;

function runBuckets(flags: StoreFlags): Promise<ExitCode> {
  return withStore(flags, async (store, { stop }) => {
    const output = await openStandardOutput(stop);
    for await (const name of store.buckets({ signal: stop }))
      await output.write(flags.json ? `${JSON.stringify(name)}\n` : `${name}\n`);
    return exitCode.done;
  });
}
