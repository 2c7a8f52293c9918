import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { Campaign, Size } from "./campaigns/campaign.js";
import { campaigns } from "./campaigns/index.js";
import type { Row } from "./report/row.js";
import { tableOf, verdictOf } from "./report/table.js";
import { runCampaign } from "./run-campaign.js";
import { type BackendName, backendNames } from "./testbeds/testbed.js";

const usage = `campaign [--size ci|long|NUMBER] [--only NAME] [--backend NAME] [--seed NUMBER] [--json FILE]

Makes servers and networks fail on purpose, and checks that every reported outcome is true.
Exits with code 1 if a campaign fails.

  --size     number of runs of each campaign: ci (default), long, or a number
  --only     campaign to run, repeatable: ${campaigns.map(({ name }) => name).join(", ")}
  --backend  backend to use, repeatable: ${backendNames.join(", ")}
  --seed     seed of the first run; run N, counted from 0, has this seed + N. Default: a new seed, which is printed
  --json     file for the results
`;

const { values } = parseArgs({
  options: {
    size: { type: "string", default: "ci" },
    only: { type: "string", multiple: true },
    backend: { type: "string", multiple: true },
    seed: { type: "string" },
    json: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  console.log(usage);
  process.exit(0);
}

const size = sizeOf(values.size);
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
const chosen = choose("--only", campaigns, values.only, ({ name }) => name);
const backends = choose("--backend", backendNames, values.backend, (name) => name);
const rows: Row[] = [];
for (const campaign of chosen) {
  for (const backend of backendsOf(campaign)) await add(campaign, backend);
}
if (rows.length === 0) stop("nothing to run: the selected campaigns do not support the selected backends");
console.log(`\n${tableOf(rows)}\n`);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ size, seed, rows }, undefined, 2)}\n`);
// A leaked timer or socket must not keep the process alive.
process.exit(rows.every(({ passed }) => passed) ? 0 : 1);

async function add(campaign: Campaign, backend: BackendName | undefined): Promise<void> {
  const row = await runCampaign(campaign, size, seed, backend);
  rows.push(row);
  const name = [row.name, row.backend].filter(Boolean).join(" on ");
  console.log(
    `${verdictOf(row)} ${name}: ${row.runs} runs, ${row.measured} (${row.seconds.toFixed(0)} s, seed ${seed})`,
  );
  for (const failure of row.failures) console.log(`  ${failure}`);
}

function backendsOf(campaign: Campaign): readonly (BackendName | undefined)[] {
  if (campaign.backends === undefined) return values.backend === undefined ? [undefined] : [];
  return campaign.backends.filter((name) => backends.includes(name));
}

function sizeOf(text: string): Size {
  if (text === "ci" || text === "long") return text;
  const runs = Number(text);
  if (Number.isInteger(runs) && runs > 0) return runs;
  return stop(`--size must be ci, long or a positive number of runs`);
}

function choose<Choice>(
  option: string,
  all: readonly Choice[],
  names: readonly string[] | undefined,
  nameOf: (choice: Choice) => string,
): readonly Choice[] {
  const unknown = names?.find((name) => !all.some((choice) => nameOf(choice) === name));
  if (unknown !== undefined) stop(`${option} must be one of ${all.map(nameOf).join(", ")}`);
  return names === undefined ? all : all.filter((choice) => names.includes(nameOf(choice)));
}

function stop(text: string): never {
  console.error(text);
  process.exit(2);
}
