import "./simulation/virtual-time.js"; // before core
import { writeFileSync } from "node:fs";
import { Command, InvalidArgumentError, Option } from "commander";
import type { Campaign, Size } from "./campaigns/campaign.js";
import { campaigns } from "./campaigns/index.js";
import type { Row } from "./report/row.js";
import { tableOf, verdictOf } from "./report/table.js";
import { runCampaign } from "./run-campaign.js";
import { type BackendName, backendNames } from "./testbeds/testbed.js";

const program = new Command("campaign")
  .description("Makes servers and networks fail on purpose, and checks that every reported outcome is true.")
  .addHelpText("after", "\nExits with code 1 if a campaign fails.")
  .option("--size <size>", "number of runs of each campaign: ci, long or a number", readSize, "ci")
  .addOption(
    chooseFrom(
      "--only <names...>",
      "campaigns to run",
      campaigns.map(({ name }) => name),
    ),
  )
  .addOption(chooseFrom("--backend <names...>", "backends to use", backendNames))
  .option("--seed <number>", "seed of the first run; run N, counted from 0, has this seed + N", readSeed, randomSeed())
  .option("--json <file>", "file to write the results to")
  .parse();

const options = program.opts<{
  readonly size: Size;
  readonly only: readonly string[];
  readonly backend: readonly BackendName[];
  readonly seed: number;
  readonly json?: string;
}>();

const rows: Row[] = [];
for (const campaign of campaigns) {
  if (!options.only.includes(campaign.name)) continue;
  for (const backend of backendsOf(campaign)) await add(campaign, backend);
}
if (rows.length === 0)
  program.error("no campaign in --only runs on a backend in --backend: change one of these options");
console.log(`\n${tableOf(rows)}\n`);
if (options.json !== undefined) {
  const { size, seed } = options;
  writeFileSync(options.json, `${JSON.stringify({ size, seed, rows }, undefined, 2)}\n`);
}
// A leaked timer or socket must not keep the process alive.
process.exit(rows.every(({ passed }) => passed) ? 0 : 1);

async function add(campaign: Campaign, backend: BackendName | undefined): Promise<void> {
  const row = await runCampaign(campaign, options.size, options.seed, backend);
  rows.push(row);
  const name = [row.name, row.backend].filter(Boolean).join(" on ");
  console.log(
    `${verdictOf(row)} ${name}: ${row.runs} runs, ${row.measured} (${row.seconds.toFixed(0)} s, seed ${row.seed})`,
  );
  for (const failure of row.failures) console.log(`  ${failure}`);
}

/** Returns the backends for a campaign. A campaign without `backends` runs only if `--backend` was not passed. */
function backendsOf({ backends }: Campaign): readonly (BackendName | undefined)[] {
  if (backends !== undefined) return backends.filter((name) => options.backend.includes(name));
  return program.getOptionValueSource("backend") === "default" ? [undefined] : [];
}

function chooseFrom(flags: string, description: string, all: readonly string[]): Option {
  return new Option(flags, description).choices(all).default(all, "all");
}

function readSize(text: string): Size {
  if (text === "ci" || text === "long") return text;
  const runs = Number(text);
  if (Number.isInteger(runs) && runs > 0) return runs;
  throw new InvalidArgumentError("Use ci, long or a positive integer.");
}

function readSeed(text: string): number {
  const seed = Number(text);
  if (text !== "" && Number.isSafeInteger(seed) && seed >= 0) return seed;
  throw new InvalidArgumentError("Use an integer from 0 to 2^53 - 1.");
}

function randomSeed(): number {
  return Math.floor(Math.random() * 2 ** 31);
}
