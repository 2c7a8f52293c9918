import type { Bucket } from "@manykv/core";
import type { KeyRecord } from "../records/record.js";
import { listPages } from "../transfer/read-values.js";
import { countKeys } from "./count-keys.js";
import { CommandError, type ExitCode, exitCode } from "./errors.js";
import type { Interrupt } from "./interrupt.js";
import type { KeysInput } from "./keys.js";
import { printJson } from "./output.js";
import { runWrites, type WriteFlags } from "./run-writes.js";
import { formatCount, printNote } from "./terminal.js";

/** Deletes the keys of a source. */
export function deleteRecords(
  bucket: Bucket,
  { source, input }: KeysInput,
  flags: WriteFlags,
  interrupt: Interrupt,
): Promise<ExitCode> {
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
}

/** Flags of a subcommand that deletes keys that the user does not name one by one. */
export interface ListedFlags extends WriteFlags {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

/** Deletes all keys that start with `prefix`, or only counts them. Throws unless the user passed one of the two flags. */
export async function deleteListed(
  bucket: Bucket,
  prefix: string | undefined,
  flags: ListedFlags,
  interrupt: Interrupt,
): Promise<ExitCode> {
  if (flags.dryRun) {
    const count = await countKeys(bucket, prefix, interrupt.stop, flags);
    if (flags.json) await printJson({ "would-delete": count }, interrupt.stop);
    printNote(`would delete ${formatCount(count, "record")}`, flags);
    return exitCode.done;
  }
  if (!flags.yes) {
    throw new CommandError(
      exitCode.usage,
      "pass --yes to delete the keys, or --dry-run to count them. You cannot restore deleted keys",
    );
  }
  return deleteRecords(bucket, { source: listRecords(bucket, prefix, interrupt.stop) }, flags, interrupt);
}

async function* listRecords(
  bucket: Bucket,
  prefix: string | undefined,
  stop: AbortSignal,
): AsyncGenerator<KeyRecord[]> {
  let record = 0;
  for await (const keys of listPages(bucket, prefix, { signal: stop })) {
    yield keys.map((key) => ({ key, record: ++record, line: record }));
  }
}
