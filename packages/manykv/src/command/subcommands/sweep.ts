import type { Command } from "commander";
import { type ExitCode, exitCode } from "../errors.js";
import { addStoreOptions, type StoreFlags, type ToAction } from "../options.js";
import { openStandardOutput } from "../output.js";
import { withStore } from "../with-bucket.js";

export function addSweepCommand(program: Command, toAction: ToAction): void {
  const command = program
    .command("sweep")
    .summary("delete expired keys that still take space")
    .description(
      "Delete the expired keys that still take space, in all buckets, and print their number. Safe to repeat and to stop.",
    );
  addStoreOptions(command).addHelpText("after", help).action(toAction(runSweep));
}

const help = `
Expired keys do not exist for any subcommand, whether or not they were swept. On
Postgres, writes reclaim their space step by step, and a sweep reclaims the rest.
Redis and DynamoDB need no sweep, so it prints 0. A sweep takes as long as it needs:
--timeout does not limit it.

Example
  manykv sweep --store "postgres://localhost/shop?table=manykv"`;

function runSweep(flags: StoreFlags): Promise<ExitCode> {
  return withStore(flags, async (store, { stop }) => {
    const output = await openStandardOutput(stop);
    const swept = await store.sweep({ signal: stop, timeout: Number.POSITIVE_INFINITY });
    await output.write(flags.json ? `${JSON.stringify({ swept })}\n` : `${swept}\n`);
    return exitCode.done;
  });
}
