import { type Command, Option } from "commander";
import { type CompareFlags, runCompare } from "../copy/run-compare.js";
import type { ExitCode } from "../errors.js";
import { parseDuration, type ToAction } from "../options.js";
import { addPairOptions, withStores } from "../store-pair.js";

export function addCompareCommand(program: Command, toAction: ToAction): void {
  const command = program
    .command("compare")
    .summary("report how two stores differ")
    .description("Compare the records of buckets in two stores, with their remaining time to live.")
    .argument("[a]", "URL of the first store (default: MANYKV_FROM)")
    .argument("[b]", "URL of the second store (default: MANYKV_TO)");
  addPairOptions(command, "compare")
    .addOption(
      new Option("--ttl-tolerance <duration>", "largest difference of two remaining times that counts as equal")
        .argParser(parseDuration)
        .default(1000, "1s"),
    )
    .option("--ignore-ttl", "do not compare times to live")
    .option("--report <file>", "write a JSON line for each difference and for the totals; - for standard output")
    .option("--no-count", "do not count the keys to show the remaining time")
    .addHelpText("after", help)
    .action(toAction(run));
}

const help = `
The exit code is 0 if the stores do not differ, and 1 if they do. Standard error lists
the first ten differences. The report lists all of them, with keys but without values:
  {"bucket":"default","key":"fr","difference":"only-in-a"}
  {"bucket":"default","key":"de","difference":"value"}
  {"bucket":"default","key":"it","difference":"ttl","ttlA":1800000,"ttlB":null}

A key that differs is read twice more before it is reported, because clients may be
writing. A key that Redis lists twice counts once if it differs, up to 100,000
differences per bucket. If it is equal, it may count twice.

Examples
  manykv compare redis://old postgres://new/shop
  manykv compare --all-buckets --ignore-ttl redis://old postgres://new/shop
  manykv compare --report - redis://old postgres://new/shop | jq -r .key`;

function run(a: string | undefined, b: string | undefined, flags: CompareFlags): Promise<ExitCode> {
  return withStores({ first: "A", second: "B" }, [a, b], flags, (pair, buckets, interrupt) =>
    runCompare(pair, buckets, flags, interrupt),
  );
}
