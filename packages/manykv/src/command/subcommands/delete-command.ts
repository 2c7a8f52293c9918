import type { Command } from "commander";
import type { ExitCode } from "../exit-code.js";
import { addKeysOptions, type KeysFlags, openKeys } from "../keys-input.js";
import { addBucketOptions, addWriteOptions, type BucketFlags } from "../options.js";
import { runWrites, type WriteFlags } from "../run-writes.js";
import { withBucket } from "../with-bucket.js";
import type { Finish } from "./finish.js";

export function addDeleteCommand(program: Command, finish: Finish): void {
  const command = program
    .command("delete")
    .summary("delete keys")
    .description("Delete keys. A key that has no value is no failure, so running it again does no harm.");
  addWriteOptions(addBucketOptions(addKeysOptions(command)))
    .addHelpText("after", help)
    .action(finish(runDelete));
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
        goOn: () => "to go on, run the same command again",
      },
      flags,
      interrupt,
    );
  });
}
