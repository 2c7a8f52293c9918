#!/usr/bin/env node
import { writeFile } from "node:fs/promises";
import { thisMachine } from "@manykv/measure";
import { Command, InvalidArgumentError, Option } from "commander";
import { BACKENDS, type BackendName } from "./backends/backend.js";
import { runAbilities } from "./commands/abilities.js";
import { type Limits, runAcceptance } from "./commands/acceptance.js";
import { runCold } from "./commands/cold.js";
import { runComparisons, shapesOf } from "./commands/compare.js";
import { distanceMarkdown, runDistance } from "./commands/distance.js";
import { runLoop } from "./commands/loop.js";
import { type ProfileOptions, runProfile } from "./commands/profile.js";
import { runUpgrade } from "./commands/upgrade.js";
import { type ComparableBackend, comparableBackends, runVersions } from "./commands/versions.js";
import { runVolume, volumeMarkdown } from "./commands/volume.js";
import type { Hits } from "./measure/workload.js";
import { markdownTable, type Row, rowTable } from "./report.js";

interface Output {
  readonly json?: string | true;
  readonly markdown?: true;
}

interface LoopOptions {
  readonly loopKeys: number;
  readonly repetitions: number;
  readonly timeoutKeys: number;
}

const program = new Command("bench")
  .description("Measures and prints the acceptance table. A missed bar does not fail the run.")
  // An option after the name of a subcommand belongs to the subcommand.
  .enablePositionalOptions();

withOutput(withLimits(withBackends(program)))
  .option("--check", "also measure `bench cold`, `bench loop` and `bench abilities`")
  .option(
    "--runs <count>",
    "with --check: number of processes to start for each program of `bench cold`",
    readCount,
    40,
  )
  .action(
    async ({
      backend,
      check,
      runs,
      ...options
    }: Limits & Output & { backend: BackendName[]; check?: true; runs: number }) => {
      const acceptance = await runAcceptance(backend, options, say);
      const cold = check && (await runCold(backend, runs, say));
      const loop = check && (await runLoop(backend, loopDefaults, say));
      const abilities = check && (await runAbilities(options, say));
      const rows = [acceptance, cold, loop, abilities].flatMap((part) => (part ? part.rows : []));
      await print(options, rows, { ...acceptance, cold, loop });
    },
  );

withOutput(withBackends(program.command("cold")))
  .description("Measures the time from the start of a fresh process to the result of its first getMany.")
  .option("--runs <count>", "number of processes to start for each program", readCount, 40)
  .action(async ({ backend, runs, ...options }: Output & { backend: BackendName[]; runs: number }) => {
    const cold = await runCold(backend, runs, say);
    await print(options, cold.rows, { cold });
  });

withOutput(withLimits(program.command("abilities")))
  .description("Compares sets that expire and increments with ioredis, and with sets that do not expire on Postgres.")
  .action(async (options: Limits & Output) => {
    const abilities = await runAbilities(options, say);
    await print(options, abilities.rows, {});
  });

withOutput(program.command("upgrade"))
  .description(
    "Measures how long provision() upgrades a table of the previous version on Postgres while clients use it.",
  )
  .option("--rows <count>", "number of rows in the table", readCount, 1_000_000)
  .action(async ({ rows: tableRows, ...options }: Output & { rows: number }) => {
    const upgrade = await runUpgrade(tableRows, say);
    await print(options, upgrade.rows, { upgrade });
  });

withOutput(withLimits(program.command("versions")))
  .description("Compares calls of this version with the same calls of other versions, in turn on one server.")
  .argument("<folders...>", "checkouts of other versions, in which `npx -y pnpm@12 build` has run")
  .addOption(
    new Option("--backend <names>", `backends, separated by commas: ${comparableBackends.join(", ")}`)
      .argParser((text) => oneOf(text, comparableBackends))
      .default([...comparableBackends], "all"),
  )
  .action(async (folders: string[], { backend, ...options }: Limits & Output & { backend: ComparableBackend[] }) => {
    const versions = await runVersions(backend, folders, options, say);
    await print(options, versions.rows, {});
  });

const loopDefaults = { keys: 100_000, repetitions: 3, timeoutKeys: 1_000_000 };

withOutput(withBackends(program.command("loop")))
  .description("Measures how long large calls block the event loop and delay single calls, on Redis and Postgres.")
  .option("--loop-keys <count>", "number of keys in a large call", readCount, loopDefaults.keys)
  .option("--repetitions <count>", "how many times to run each large call", readCount, loopDefaults.repetitions)
  .option(
    "--timeout-keys <count>",
    "number of entries in the setMany that times out",
    readCount,
    loopDefaults.timeoutKeys,
  )
  .action(async ({ backend, ...options }: Output & LoopOptions & { backend: BackendName[] }) => {
    const { loopKeys: keys, repetitions, timeoutKeys } = options;
    const loop = await runLoop(backend, { keys, repetitions, timeoutKeys }, say);
    await print(options, loop.rows, { loop });
  });

interface CompareOptions extends Limits, Output {
  readonly backend: BackendName[];
  readonly keys: number[];
  readonly bytes: number[];
  readonly hits: Hits[];
  readonly cpu?: true;
}

withOutput(withLimits(withBackends(program.command("compare"))))
  .description("Compares manykv with clients, other libraries and floors, for batches of any size.")
  .option("--keys <counts>", "numbers of keys in a batch, separated by commas", readCounts, [1, 100, 1_000])
  .option("--bytes <sizes>", "sizes of a value in bytes, separated by commas", readCounts, [100])
  .option("--hits <shares>", "how many keys exist: all, half, none, separated by commas", readHits, ["all"])
  .option("--cpu", "measure CPU time of this process instead of elapsed time")
  .action(async ({ backend, keys, bytes, hits, ...options }: CompareOptions) => {
    const comparisons = await runComparisons(backend, shapesOf(keys, bytes, hits), options, say);
    await print(options, [], { comparisons });
  });

withOutput(withLimits(withBackends(program.command("distance"))))
  .description("Compares a batch with single calls over a link that delays each round trip.")
  .option("--delay <milliseconds>", "time added to each round trip", readMilliseconds, 1)
  .action(async ({ backend, delay, ...options }: Limits & Output & { backend: BackendName[]; delay: number }) => {
    const distance = await runDistance(backend, delay, options, say);
    await print(options, [], { distance }, () => distanceMarkdown(distance));
  });

withOutput(withBackends(program.command("volume")))
  .description("Measures the memory and time of one call with a large number of keys, in a fresh process.")
  .option("--volume-keys <count>", "number of keys in the call", readCount, 1_000_000)
  .action(async ({ backend, volumeKeys, ...options }: Output & { backend: BackendName[]; volumeKeys: number }) => {
    const volumes = await runVolume(backend, volumeKeys, say);
    await print(options, [], { volumes }, () => volumeMarkdown(volumes));
  });

withBackends(program.command("profile"))
  .description("Shows in which functions a contender spends its time.")
  .option("--contender <name>", "name of the contender, as in the output of `bench compare`", "manykv")
  .option("--keys <count>", "number of keys in a batch", readCount, 1_000)
  .option("--bytes <size>", "size of a value in bytes", readCount, 100)
  .option("--stretches <count>", "number of passes over about 100,000 keys", readCount, 10)
  .option("--top <count>", "number of functions to show", readCount, 20)
  .action(
    async ({
      backend,
      keys,
      bytes,
      ...options
    }: ProfileOptions & { backend: BackendName[]; keys: number; bytes: number }) => {
      for (const name of backend) await runProfile(name, { keys, bytes, hits: "all" }, options);
    },
  );

// pnpm passes on the separator `--` of `pnpm bench -- --check`. Remove it.
const [node = "", script = "", ...args] = process.argv;
await program.parseAsync([node, script, ...(args[0] === "--" ? args.slice(1) : args)]);

function withBackends(command: Command): Command {
  const option = new Option("--backend <names>", `backends, separated by commas: ${BACKENDS.join(", ")}`);
  return command.addOption(option.argParser(readBackends).default([...BACKENDS], "all"));
}

function withLimits(command: Command): Command {
  return command
    .option(
      "--warm-up-rounds <count>",
      "rounds before the measurement (default: 500 for up to 100 keys, else 100; `bench distance`: 10)",
      readCount,
    )
    .option("--rounds <count>", "maximum number of rounds in a comparison (default: 500)", readCount)
    .option("--seconds <count>", "start no new round after this many seconds (default: 10)", readCount);
}

function withOutput(command: Command): Command {
  return command
    .option("--json [file]", "write all figures as JSON to a file; without a file, print only JSON")
    .option("--markdown", "print the table as Markdown");
}

/** Prints progress and intermediate tables to standard error, so that standard output contains only the result. */
function say(text: string): void {
  console.error(text);
}

async function print(
  { json, markdown }: Output,
  rows: readonly Row[],
  details: object,
  toMarkdown: () => string = () => markdownTable(rows),
): Promise<void> {
  const command = ["bench", ...process.argv.slice(2)].join(" ");
  const text = JSON.stringify({ command, machine: thisMachine(), rows, ...details }, undefined, 1);
  if (json === true) {
    console.log(text);
    return;
  }
  if (json !== undefined) await writeFile(json, text);
  if (markdown) console.log(toMarkdown());
  else if (rows.length > 0) console.log(rowTable(rows));
}

function readBackends(text: string): BackendName[] {
  return oneOf(text, BACKENDS);
}

function readHits(text: string): Hits[] {
  return oneOf(text, ["all", "half", "none"]);
}

function readCounts(text: string): number[] {
  return text.split(",").map(readCount);
}

function readCount(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new InvalidArgumentError("Use a whole number above 0 for each value.");
}

function readMilliseconds(text: string): number {
  const number = Number(text);
  if (number > 0) return number;
  throw new InvalidArgumentError("Use a number of milliseconds above 0.");
}

function oneOf<Name extends string>(text: string, names: readonly Name[]): Name[] {
  return text.split(",").map((part) => {
    const name = names.find((each) => each === part);
    if (name !== undefined) return name;
    throw new InvalidArgumentError(`Use one or more of ${names.join(", ")}, separated by commas.`);
  });
}
