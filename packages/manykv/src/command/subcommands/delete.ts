import type { Command } from "commander";
import type { ExitCode } from "../errors.js";
import { addKeysOptions, type KeysFlags, openKeys } from "../keys.js";
import { addBucketOptions, addWriteOptions, type BucketFlags, type ToAction } from "../options.js";
import { runWrites, type WriteFlags } from "../run-writes.js";
import { withBucket } from "../with-bucket.js";

export function addDeleteCommand(program: Command, toAction: ToAction): void {
  const command = program
    .command("delete")
    .summary("delete keys")
    .description("Delete keys. Deleting a missing key succeeds, so the command is safe to repeat.");
  addWriteOptions(addBucketOptions(addKeysOptions(command)))
    .addHelpText("after", help)
    .action(toAction(runDelete));
}

const help = `
Examples
  manykv delete fr de it
  manykv list --prefix user: | manykv delete --keys-from -
  manykv list --format json | manykv delete --keys-from - --keys-format json`;

async function runDelete(keys: string[], flags: BucketFlags & KeysFlags & WriteFlags): Promise<ExitCode> {
  return withBucket(flags, async (bucket, interrupt) => {
    const { source, input } = await openKeys(keys, flags, bucket.limits, interrupt.stop);
    return runWrites(
      {
        doing: "deleting",
        done: "deleted",
        input,
        source,
        write: (records) =>
          bucket.deleteMany(
            records.map(({ key }) => key),
            { signal: interrupt.abort },
          ),
        bytesOf: ({ key }) => key.length,
        howToContinue: () => "to continue, run the same command again",
      },
      flags,
      interrupt,
    );
  });
}
