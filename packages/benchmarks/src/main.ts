#!/usr/bin/env node
import { writeFile } from "node:fs/promises";
import { Command, InvalidArgumentError, Option } from "commander";
import { BACKENDS, type BackendName } from "./backends/backend.js";
import { type Limits, runAcceptance } from "./commands/acceptance.js";
import { runCold } from "./commands/cold.js";
import { runComparisons, shapesOf } from "./commands/compare.js";
import { distanceMarkdown, runDistance } from "./commands/distance.js";
import { runLoop } from "./commands/loop.js";
import { type ProfileOptions, runProfile } from "./commands/profile.js";
import { runVolume, volumeMarkdown } from "./commands/volume.js";
import type { Hits } from "./measure/workload.js";
import { markdownTable, type Row, rowTable, thisMachine } from "./report.js";

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
  .description("Measures the rows of the acceptance table and prints them. A missed bar is no failure.")
  // An option after the name of a subcommand belongs to the subcommand.
  .enablePositionalOptions();

withOutput(withLimits(withBackends(program)))
  .option("--check", "measure `bench cold` and `bench loop` too")
  .option("--runs <count>", "with --check, see `bench cold`", readCount, 40)
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
      const rows = [...acceptance.rows, ...(cold?.rows ?? []), ...(loop?.rows ?? [])];
      await print(options, rows, { ...acceptance, cold, loop });
    },
  );

withOutput(withBackends(program.command("cold")))
  .description("Measures fresh processes, from their start to their first answered getMany.")
  .option("--runs <count>", "processes of each program", readCount, 40)
  .action(async ({ backend, runs, ...options }: Output & { backend: BackendName[]; runs: number }) => {
    const cold = await runCold(backend, runs, say);
    await print(options, cold.rows, { cold });
  });

const loopDefaults = { keys: 100_000, repetitions: 3, timeoutKeys: 1_000_000 };

withOutput(withBackends(program.command("loop")))
  .description("Measures how long large calls block the event loop and delay single calls, on Redis and Postgres.")
  .option("--loop-keys <count>", "keys of the large calls", readCount, loopDefaults.keys)
  .option("--repetitions <count>", "how often the keys are set, read and deleted", readCount, loopDefaults.repetitions)
  .option("--timeout-keys <count>", "entries of the setMany that times out", readCount, loopDefaults.timeoutKeys)
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
  .description("Compares manykv with clients, other libraries and floors at any size.")
  .option("--keys <counts>", "keys of a batch", readCounts, [1, 100, 1_000])
  .option("--bytes <sizes>", "bytes of a value", readCounts, [100])
  .option("--hits <shares>", "keys that are found: all, half, none", readHits, ["all"])
  .option("--cpu", "measure CPU time of this process instead of elapsed time")
  .action(async ({ backend, keys, bytes, hits, ...options }: CompareOptions) => {
    const comparisons = await runComparisons(backend, shapesOf(keys, bytes, hits), options, say);
    await print(options, [], { comparisons });
  });

withOutput(withLimits(withBackends(program.command("distance"))))
  .description("Compares a batch with single calls over a link that delays each round trip.")
  .option("--delay <milliseconds>", "how much longer a round trip takes", readMilliseconds, 1)
  .action(async ({ backend, delay, ...options }: Limits & Output & { backend: BackendName[]; delay: number }) => {
    const distance = await runDistance(backend, delay, options, say);
    await print(options, [], { distance }, () => distanceMarkdown(distance));
  });

withOutput(withBackends(program.command("volume")))
  .description("Measures the memory and time of one call with very many keys, in a fresh process.")
  .option("--volume-keys <count>", "keys of the call", readCount, 1_000_000)
  .action(async ({ backend, volumeKeys, ...options }: Output & { backend: BackendName[]; volumeKeys: number }) => {
    const volumes = await runVolume(backend, volumeKeys, say);
    await print(options, [], { volumes }, () => volumeMarkdown(volumes));
  });

withBackends(program.command("profile"))
  .description("Shows in which functions this process spends its time.")
  .option("--contender <name>", "as `bench compare` names it", "manykv")
  .option("--keys <count>", "keys of a batch", readCount, 1_000)
  .option("--bytes <size>", "bytes of a value", readCount, 100)
  .option("--stretches <count>", "passes over about 100,000 keys", readCount, 10)
  .option("--top <count>", "functions to show", readCount, 20)
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

// `pnpm bench -- --check` passes the separator on.
const [node = "", script = "", ...args] = process.argv;
await program.parseAsync([node, script, ...(args[0] === "--" ? args.slice(1) : args)]);

function withBackends(command: Command): Command {
  const option = new Option("--backend <names>", `of ${BACKENDS.join(", ")}`);
  return command.addOption(option.argParser(readBackends).default([...BACKENDS], "all"));
}

function withLimits(command: Command): Command {
  return command
    .option("--warm-up-rounds <count>", "rounds that do not count (default: by size, 500 up to 100 keys)", readCount)
    .option("--rounds <count>", "most rounds of a comparison (default: 500)", readCount)
    .option("--seconds <count>", "begin no further round after so many seconds (default: 10)", readCount);
}

function withOutput(command: Command): Command {
  return command
    .option("--json [file]", "write JSON with every figure to a file, or print only JSON")
    .option("--markdown", "print the table as Markdown");
}

/** Intermediate tables go to the standard error output, so that the standard output is the result. */
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
  throw new InvalidArgumentError("Use whole numbers above 0.");
}

function readMilliseconds(text: string): number {
  const number = Number(text);
  if (number > 0) return number;
  throw new InvalidArgumentError("Use milliseconds above 0.");
}

function oneOf<Name extends string>(text: string, names: readonly Name[]): Name[] {
  return text.split(",").map((part) => {
    const name = names.find((each) => each === part);
    if (name !== undefined) return name;
    throw new InvalidArgumentError(`Use ${names.join(", ")}, separated by commas.`);
  });
}
