import { type Command, Option } from "commander";
import { type CopyFlags, runCopy } from "../copy/run-copy.js";
import { descriptorOf } from "../descriptors.js";
import { CommandError, type ExitCode, exitCode } from "../errors.js";
import type { ToAction } from "../options.js";
import { addPairOptions, withStores } from "../store-pair.js";

export function addCopyCommand(program: Command, toAction: ToAction): void {
  const command = program
    .command("copy")
    .summary("copy records from one store to another")
    .description("Copy the records of buckets, with their remaining time to live, from one store to another.")
    .argument("[from]", "URL of the store to read (default: MANYKV_FROM)")
    .argument("[to]", "URL of the store to write (default: MANYKV_TO)");
  addPairOptions(command, "copy")
    .option("--to-bucket <name>", "write to a bucket with another name")
    .option("--no-provision", "do not create what the target needs, such as its table")
    .option("--update", "write only records that are missing in the target or differ there")
    .option("--verify", "afterwards, read all records from both stores and compare them")
    .option("--dry-run", "read the source, but write nothing")
    .addOption(
      new Option("--on-error <action>", "what to do after a failure: stop sending, or continue with the next record")
        .choices(["stop", "continue"])
        .default("stop"),
    )
    .option("--report <file>", "write a JSON line for each failed record and for the totals; - for standard output")
    .option("--journal <file>", "file that remembers how far the copy has come (default: .manykv-copy-ID.json)")
    .option("--restart", "ignore the journal of an earlier run, and copy everything again")
    .option("--no-count", "do not count the keys of the source to show the remaining time")
    .addHelpText("after", help)
    .action(toAction(run));
}

const help = `
If the copy is stopped or killed, run the same command again in the same directory. It
continues after the last records that the journal remembers. The journal contains no
value and no password, and is deleted when the copy is complete.

Records that clients change during the copy arrive with their old or new value. Keys
that exist only in the target stay. A record that expires has the same expiry in the
target.

Examples
  manykv copy redis://old postgres://new/shop
  manykv copy --all-buckets --verify redis://old postgres://new/shop
  manykv copy --bucket orders users --dry-run redis://old postgres://new/shop
  manykv copy --update --report failed.ndjson redis://old dynamodb://eu-central-1/shop
  MANYKV_FROM=redis://:secret@old MANYKV_TO=postgres://new/shop manykv copy`;

function run(from: string | undefined, to: string | undefined, flags: CopyFlags): Promise<ExitCode> {
  if (flags.journal !== undefined && descriptorOf(flags.journal, 1) !== undefined)
    throw new CommandError(exitCode.usage, "--journal needs a file");
  if (flags.dryRun && flags.verify)
    throw new CommandError(exitCode.usage, "pass either --dry-run or --verify: a dry run writes nothing to verify");
  return withStores({ first: "FROM", second: "TO" }, [from, to], flags, (pair, buckets, interrupt) =>
    runCopy(pair, buckets, flags, interrupt),
  );
}
