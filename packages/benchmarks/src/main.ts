#!/usr/bin/env node
import { Command } from "commander";
import { BACKENDS, type BackendName, type Track } from "./backends/backend.js";
import { backends } from "./backends/index.js";
import {
  readBackends,
  readCount,
  readCounts,
  readHits,
  readMilliseconds,
  readTracks,
} from "./command/options.js";
import { barShapes, briefShapes, everyShape, type Plan, shapesOf } from "./command/plan.js";
import { run } from "./command/run.js";
import type { Hits } from "./measure/lot.js";
import { profile } from "./profile/run.js";
import { verdicts, verdictTable } from "./report/acceptance.js";
import { thisMachine } from "./report/machine.js";
import type { Report } from "./report/report.js";
import { spreadWords } from "./report/words.js";
import { writeReport } from "./report/write-report.js";

interface Options {
  readonly backend: BackendName[];
  readonly track?: Track[];
  readonly keys?: number[];
  readonly bytes: number[];
  readonly hits: Hits[];
  readonly rounds: number;
  readonly seconds: number;
  readonly delay: number;
  readonly volumeKeys: number;
  readonly out: string;
  readonly full?: true;
  readonly check?: true;
}

const program = new Command("bench")
  .description("Races manykv against its peers and against the floor, all in one process, taking turns.")
  // Options after a subcommand's name are the subcommand's, also those that have the same name here.
  .enablePositionalOptions()
  .option("--backend <names>", `of ${BACKENDS.join(", ")}`, readBackends, [...BACKENDS])
  .option("--track <names>", "of batch, core, distance, volume (default: all but volume)", readTracks)
  .option("--keys <counts>", "keys of a batch (default: 1,100,1000)", readCounts)
  .option("--bytes <sizes>", "bytes of a value, with --keys", readCounts, [100])
  .option("--hits <shares>", "how many keys are found: all, half, none, with --keys", readHits, ["all"])
  .option("--rounds <count>", "rounds of a race", readCount, 100)
  .option("--seconds <count>", "after which a race begins no further round", readCount, 8)
  .option("--delay <milliseconds>", "added to a round trip on the track distance", readMilliseconds, 1)
  .option("--volume-keys <count>", "keys of the one call on the track volume", readCount, 1_000_000)
  .option("--full", "every size, by every share of keys found; takes hours")
  .option("--check", "what the acceptance table asks for, and the table; a miss is no failure")
  .option(
    "--out <folder>",
    "where report.json and report.html go",
    new URL("../results", import.meta.url).pathname,
  )
  .action(bench);

program
  .command("profile")
  .description("Shows in which functions this process spends its time.")
  .requiredOption("--backend <name>", `of ${BACKENDS.join(", ")}`, readBackends)
  .option("--contender <name>", "as the races call it", "manykv")
  .option("--keys <count>", "keys of a batch", readCount, 1_000)
  .option("--bytes <size>", "bytes of a value", readCount, 100)
  .option("--stretches <count>", "how often about 100,000 keys are gone through", readCount, 10)
  .option("--top <count>", "functions to show", readCount, 20)
  .action(async ({ backend, keys, bytes, ...options }) => {
    for (const name of backend) await profile(name, { keys, bytes, hits: "all" }, options);
  });

await program.parseAsync();

async function bench(options: Options): Promise<void> {
  const machine = thisMachine();
  const findings = await run(planOf(options));
  const report: Report = { command: process.argv.slice(2).join(" "), machine, ...findings };
  if (report.delay !== undefined) {
    const { asked, direct, linked } = report.delay;
    console.log(
      `\nA round trip takes ${spreadWords(direct)} ms, and ${spreadWords(linked)} ms over the link with a delay of ${asked} ms.`,
    );
  }
  if (options.check) console.log(`\n${verdictTable(verdicts(report))}`);
  console.log(`\nWritten: ${(await writeReport(report, options.out)).join(", ")}`);
}

function planOf(options: Options): Plan {
  const { backend, keys, bytes, hits, rounds, seconds, delay, volumeKeys, full, check } = options;
  const everyTrack = full || check;
  return {
    backends: backend,
    tracks:
      options.track ?? (everyTrack ? ["batch", "core", "distance", "volume"] : ["batch", "core", "distance"]),
    shapes: (name) => {
      if (keys !== undefined) return shapesOf(keys, bytes, hits);
      if (full) return everyShape(backends[name].mostKeys);
      return check ? barShapes(name) : briefShapes();
    },
    effort: { rounds, warmUp: rounds, seconds },
    delay,
    volumeKeys,
  };
}
