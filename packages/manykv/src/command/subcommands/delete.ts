import type { Command } from "commander";
import { deleteListed, deleteRecords, type ListedFlags } from "../delete-records.js";
import { CommandError, type ExitCode, exitCode } from "../errors.js";
import { addKeysOptions, type KeysFlags, openKeys } from "../keys.js";
import {
  addBucketOptions,
  addListedOptions,
  addWriteOptions,
  type BucketFlags,
  prefixOption,
  type ToAction,
} from "../options.js";
import { withBucket } from "../with-bucket.js";

interface DeleteFlags extends BucketFlags, KeysFlags, ListedFlags {
  readonly prefix?: string;
}

export function addDeleteCommand(program: Command, toAction: ToAction): void {
  const command = program
    .command("delete")
    .summary("delete keys")
    .description("Delete keys. Deleting a missing key succeeds, so the command is safe to repeat.");
  addBucketOptions(addKeysOptions(command).addOption(prefixOption("delete all keys that start with this text")));
  addWriteOptions(addListedOptions(command, "--prefix: ")).addHelpText("after", help).action(toAction(runDelete));
}

const help = `
With --prefix, keys that other clients add during the run may remain.

Examples
  manykv delete fr de it
  manykv delete --prefix user: --dry-run
  manykv delete --prefix user: --yes
  manykv list --format json | manykv delete --keys-from - --keys-format json`;

async function runDelete(keys: string[], flags: DeleteFlags): Promise<ExitCode> {
  checkFlags(keys, flags);
  return withBucket(flags, async (bucket, interrupt) => {
    if (flags.prefix !== undefined) return deleteListed(bucket, flags.prefix, flags, interrupt);
    const input = await openKeys(keys, flags, bucket.limits, interrupt.stop);
    return deleteRecords(bucket, input, flags, interrupt);
  });
}

function checkFlags(keys: readonly string[], { prefix, keysFrom, keysFormat, yes, dryRun }: DeleteFlags): void {
  const isNamed = keys.length > 0 || keysFrom !== undefined || keysFormat !== undefined;
  if (isNamed === (prefix !== undefined))
    throw new CommandError(exitCode.usage, "pass keys either as arguments, with --keys-from or with --prefix");
  if (prefix === undefined && (yes || dryRun))
    throw new CommandError(exitCode.usage, "--yes and --dry-run apply only to --prefix");
  // An empty variable of a script must not delete everything.
  if (prefix === "")
    throw new CommandError(exitCode.usage, "the prefix is empty: to delete all keys, run manykv clear");
}
