import { type Command, InvalidArgumentError, Option } from "commander";
import { type Operation, operations } from "../bench/result.js";
import { type BenchFlags, runBench } from "../bench/run-bench.js";
import { CommandError, type ExitCode, exitCode } from "../errors.js";
import { interrupt } from "../interrupt.js";
import { addClientOptions, parseCount, parseDuration, type ToAction } from "../options.js";

export function addBenchCommand(program: Command, toAction: ToAction): void {
  const list = (flags: string, description: string): Option => new Option(flags, `${description}, separated by commas`);
  const command = program
    .command("bench")
    .summary("measure batches and single calls on your servers")
    .description("Measure batches, single calls and the plain round trip of one or more stores, which take turns.")
    .argument("[urls...]", "URLs of the stores (default: MANYKV_STORE); other users can see a password in arguments")
    .addOption(
      list("--sizes <counts>", "numbers of keys in a batch")
        .argParser(parseSizes)
        .default(defaultSizes, defaultSizes.join()),
    )
    .addOption(
      list("--operations <names>", "set, get, delete")
        .argParser(parseOperations)
        .default(operations, operations.join()),
    )
    .addOption(new Option("--value-bytes <count>", "size of each value").argParser(parseCount).default(100))
    .addOption(
      new Option("--concurrency <count>", "number of batches that are sent at the same time")
        .argParser(parseCount)
        .default(1),
    )
    .addOption(
      new Option("--duration <duration>", "time to measure each size").argParser(parseDuration).default(5000, "5s"),
    )
    .addOption(
      new Option("--rounds <count>", "maximum number of rounds for each size").argParser(parseCount).default(100),
    )
    .addOption(
      new Option("--max-keys <count>", "maximum number of keys to write to each store")
        .argParser(parseCount)
        .default(100_000),
    )
    .addOption(list("--names <texts>", "names of the stores in the reports").argParser((text) => text.split(",")));
  addClientOptions(command)
    .option("--provision", "create what the stores need, such as their tables, before the run")
    .option("--json <file>", "write the figures as JSON; - for standard output")
    .option("--html <file>", "write an HTML page with charts and tables; - for standard output")
    .option("-q, --quiet", "print neither progress nor the table")
    .addHelpText("after", help)
    .action(toAction(run));
}

const defaultSizes: readonly number[] = [1, 2, 5, 10, 100, 1000];

const help = `
What is measured
  Each round sets, gets and deletes new keys in every store: in batches (setMany,
  getMany, deleteMany), and with as many single calls (set, get, delete) that all
  start at the same time, as with Promise.all. The plain round trip is a get of a
  missing key, the cheapest request of a store. In each round, the stores take turns
  in a new random order. The first sixth of the rounds, a warm-up, does not count.
  With --concurrency 8, a measurement sends 8 batches at the same time, and ends
  when the last one is answered.

Keys
  The keys are in buckets with random names. Each round deletes its keys and checks
  that they are gone. After Ctrl-C or an error, the command deletes what is left. A
  wrong answer of a store is an error. DynamoDB charges for every read and write:
  --max-keys limits them.

Examples
  manykv bench redis://localhost:6379 --html bench.html
  manykv bench redis://localhost:6379 postgres://localhost/shop --html bench.html
  manykv bench --sizes 10,100,1000 --operations get --value-bytes 1000 --json -`;

async function run(urls: readonly string[], flags: BenchFlags, command: Command): Promise<ExitCode> {
  const fromEnvironment = process.env["MANYKV_STORE"] ?? "";
  if (urls.length === 0 && fromEnvironment === "") {
    throw new CommandError(
      exitCode.usage,
      "no store URL: pass one or more, or set MANYKV_STORE, for example manykv bench redis://localhost:6379",
    );
  }
  const version = command.parent?.version() ?? "";
  return runBench(version, urls.length === 0 ? [fromEnvironment] : urls, flags, interrupt);
}

function parseSizes(text: string): number[] {
  return [...new Set(text.split(",").map(parseCount))].sort((one, other) => one - other);
}

function parseOperations(text: string): Operation[] {
  const names = text.split(",");
  const unknown = names.some((name) => !operations.some((operation) => operation === name));
  if (unknown) throw new InvalidArgumentError(`Pass one or more of ${operations.join(", ")}, separated by commas.`);
  return operations.filter((operation) => names.includes(operation));
}
