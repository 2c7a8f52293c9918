import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Argument, Command, InvalidArgumentError } from "commander";
import { findEquivalent, readEquivalents } from "./equivalents.js";
import { hash, isDetected, type Mutant, sample } from "./mutant.js";
import { writeReport } from "./report.js";
import { resultOf, writeResult } from "./result.js";
import { createSandbox } from "./sandbox.js";
import { startServers } from "./servers.js";
import { readState, type State, writeState } from "./state.js";
import { CaseHistory, coverSuite, SuiteStage } from "./suite-stage.js";
import { type TargetName, targetNames, targets } from "./targets.js";
import { TestStage } from "./test-stage.js";

interface Options {
  readonly sample?: number;
  readonly seed: number;
  readonly tests: boolean;
  readonly fresh: boolean;
  readonly concurrency: number;
  readonly processes: number;
  readonly file?: string;
}

const root = resolve(import.meta.dirname, "../../..");

const program = new Command("mutation").description(
  "Changes the sources in small ways and reports the changes that the conformance suite and the tests do not notice.",
);
program
  .command("run", { isDefault: true })
  .addArgument(new Argument("<target>", "the package to change").choices(targetNames))
  .option("--sample <count>", "number of mutants, chosen by the seed (default: all)", readCount)
  .option("--seed <number>", "seed of the sample and of the random calls in cases", readCount, 1)
  .option("--no-tests", "do not run the package's own tests against the survivors of the suite")
  .option("--fresh", "forget what earlier runs found", false)
  .option("--concurrency <count>", "number of cases that run at a time", readCount, 8)
  .option("--processes <count>", "number of mutants at a time, each with its own servers", readCount, 1)
  .option("--file <text>", "only mutants of files whose path contains this text")
  .action((name: TargetName, options: Options) => run(name, options));
program
  .command("report")
  .description("writes docs/mutation.md from the results of the last runs")
  .action(() => writeReport(root));
await program.parseAsync();

async function run(name: TargetName, options: Options): Promise<void> {
  const target = targets[name];
  const folder = join(root, ".mutation", name);
  const statePath = join(root, ".mutation", `${name}.json`);
  if (options.fresh) await rm(statePath, { force: true });
  const sandbox = await createSandbox(root, target, folder);
  const { instrumented } = sandbox;
  const state = await readState(
    statePath,
    hash(...instrumented.mutants.map(({ key }) => key)),
    hash(sandbox.suiteText, String(options.seed)),
  );
  let saved = Promise.resolve();
  const save = (): Promise<void> => {
    saved = saved.then(() => writeState(statePath, state));
    return saved;
  };
  const equivalents = await readEquivalents(root);
  const candidates = instrumented.mutants.filter(({ file }) => file.includes(options.file ?? ""));
  const mutants = sample(candidates, options.sample ?? candidates.length, options.seed);
  console.log(`${name}: ${mutants.length} of ${candidates.length} mutants, ${instrumented.texts} only change messages`);
  await using servers = await startServers(target.services, options.processes);
  const [environment = {}] = servers.environments;
  const suite = {
    suites: sandbox.suites,
    further: sandbox.further,
    harnesses: target.harnesses ?? [],
    options: target.options,
    seed: options.seed,
    environment,
  };
  const coverage = await (state.coverage ?? coverSuite(suite));
  state.coverage = coverage;
  await save();
  for (const [unit, reason] of Object.entries(coverage.broken))
    console.log(`fails without a mutant: ${unit}\n  ${reason}`);
  const judged = mutants.filter((mutant) => findEquivalent(equivalents, mutant)?.kind !== "equivalent");
  const history = new CaseHistory();
  const stages = servers.environments.map((own) => {
    return new SuiteStage({ ...suite, environment: own }, coverage, instrumented.mutants, options.concurrency, history);
  });
  const judges = stages.map((stage) => (mutant: Mutant) => stage.run(mutant));
  await each("suite", judged, state.suiteVerdicts, judges, save);
  for (const stage of stages) stage.close();
  for (const [unit, count] of history.unstable) console.log(`failed by chance ${count} times: ${unit}`);
  if (options.tests) {
    const survivors = judged.filter(({ key }) => !isDetected(state.suiteVerdicts[key] ?? { status: "survived" }));
    const tests = new TestStage(sandbox.root, target.projects, environment);
    await each("tests", survivors, state.testVerdicts, [(mutant) => tests.run(mutant)], save);
    tests.close();
  }
  if (options.file === undefined) {
    const { seed, tests } = options;
    const { mutants: all, texts: messages } = instrumented;
    await writeResult(root, resultOf(name, { seed, tests, all, messages, sample: mutants, equivalents, state }));
    await writeReport(root);
  }
  print(judged, state);
}

/** Runs a stage for each mutant without a verdict. Each of the judges takes the next mutant when it is free. */
async function each(
  stage: string,
  mutants: readonly Mutant[],
  verdicts: State["suiteVerdicts"],
  judges: readonly ((mutant: Mutant) => Promise<State["suiteVerdicts"][string]>)[],
  save: () => Promise<void>,
): Promise<void> {
  const open = mutants.filter(({ key }) => verdicts[key] === undefined);
  const queue = open.entries();
  const runAll = async (judge: (typeof judges)[number]): Promise<void> => {
    for (const [index, mutant] of queue) {
      const start = performance.now();
      const verdict = await judge(mutant);
      verdicts[mutant.key] = verdict;
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      const place = `${mutant.file}:${mutant.line}`;
      console.log(
        `${stage} ${index + 1}/${open.length} ${verdict.status} ${place} ${mutant.mutator} (${seconds} s) ${verdict.by ?? ""}`,
      );
      if (index % 20 === 19) await save();
    }
  };
  await Promise.all(judges.map(runAll));
  await save();
}

function print(mutants: readonly Mutant[], { suiteVerdicts, testVerdicts }: State): void {
  for (const mutant of mutants) {
    const verdict = suiteVerdicts[mutant.key];
    if (verdict === undefined || isDetected(verdict)) continue;
    const { file, line, mutator, original, replacement } = mutant;
    const tests = testVerdicts[mutant.key];
    console.log(`\n${verdict.status} ${tests ? `(tests: ${tests.status}) ` : ""}${file}:${line} ${mutator}`);
    console.log(`- ${original}\n+ ${replacement}`);
  }
  const detected = mutants.filter(({ key }) => suiteVerdicts[key] && isDetected(suiteVerdicts[key]));
  const byTests = mutants.filter(({ key }) => testVerdicts[key] && isDetected(testVerdicts[key]));
  const percent = (count: number): string => `${((100 * count) / mutants.length).toFixed(1)} %`;
  console.log(`\npublished suite: ${percent(detected.length)} of ${mutants.length}`);
  if (byTests.length > 0) console.log(`with tests: ${percent(detected.length + byTests.length)}`);
}

function readCount(text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1) throw new InvalidArgumentError("must be an integer of at least 1");
  return count;
}
