// A process that runs cases of the published suite against the instrumented code, with one mutant after the other.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConformanceCase, ConformanceHarness, runCase } from "@manykv/conformance";
import { activeMutantVariable, strykerNamespace } from "./stryker-namespace.js";
import type { FromWorker, SuiteSettings, ToWorker } from "./suite-protocol.js";

/** What each bundle of `sandbox.ts` exports. */
interface SuiteModule {
  readonly cases: readonly ConformanceCase[];
  readonly runCase: typeof runCase;
  /** What the bundles that were loaded so far have kept. */
  readonly kept: { readonly harnesses: readonly ConformanceHarness[]; readonly before: readonly (() => unknown)[] };
}

const settings = JSON.parse(process.argv[2] ?? "") as SuiteSettings;
const stryker = strykerNamespace();
const send = (message: FromWorker): void => void process.send?.(message);

process.on("unhandledRejection", (error) => send({ type: "unhandled", reason: String(error) }));
process.on("uncaughtException", (error) => send({ type: "unhandled", reason: String(error) }));
process.on("disconnect", () => process.exit());

const load = (path: string): Promise<SuiteModule> => import(path);
const [{ cases, runCase: run, kept }] = (await Promise.all(settings.suites.map(load))) as [SuiteModule];
const first = new Set(kept.harnesses);
await Promise.all(settings.further.map(load));
for (const hook of kept.before) await hook();

interface Unit {
  readonly id: string;
  readonly harness: ConformanceHarness;
  readonly case: ConformanceCase;
  readonly further: boolean;
}

const units = new Map<string, Unit>();
for (const given of kept.harnesses) {
  if (settings.harnesses.length > 0 && !settings.harnesses.includes(given.name)) continue;
  // The published defaults, and the same random calls in every run.
  const { seed, options = given.options } = settings;
  const harness: ConformanceHarness = { ...given, modelRuns: undefined, seed, options };
  for (const one of cases) {
    if (harness.skip?.[one.id] !== undefined) continue;
    if (one.subject === "network" && harness.servers === undefined) continue;
    const id = `${harness.name}: ${one.id}`;
    units.set(id, { id, harness, case: one, further: !first.has(given) });
  }
}

process.on("message", (message: ToWorker) => void handle(message));
const idsOf = (is: (unit: Unit) => boolean | undefined): string[] => [...units.values()].filter(is).map(({ id }) => id);
send({
  type: "ready",
  units: [...units.keys()],
  further: idsOf((unit) => unit.further),
  alone: idsOf((unit) => unit.case.alone),
  covered: Object.keys(stryker.mutantCoverage?.static ?? {}),
});

async function handle(message: ToWorker): Promise<void> {
  const chosen = message.units.flatMap((id) => units.get(id) ?? []);
  if (message.type === "cover") {
    for (const unit of chosen) await cover(unit);
    return send({ type: "done" });
  }
  activate(message.mutant, message.hitLimit);
  let failed = false;
  const runAll = async (queue: Unit[]): Promise<void> => {
    for (let unit = queue.shift(); unit !== undefined && !failed; unit = queue.shift()) {
      const { id } = unit;
      send({ type: "start", unit: id });
      const ended = await runUnit(unit);
      failed ||= ended.status === "failed";
      send({ type: "end", unit: id, ...ended });
    }
  };
  const together = chosen.filter((unit) => !unit.case.alone);
  await Promise.all(Array.from({ length: message.concurrency }, () => runAll(together)));
  await runAll(chosen.filter((unit) => unit.case.alone));
  send({ type: "done" });
}

function activate(mutant: string | undefined, hitLimit: number | undefined): void {
  stryker.activeMutant = mutant;
  stryker.hitCount = hitLimit === undefined ? undefined : 0;
  stryker.hitLimit = hitLimit;
  // Child processes of cases inherit the variable.
  if (mutant === undefined) delete process.env[activeMutantVariable];
  else process.env[activeMutantVariable] = mutant;
}

interface Ended {
  readonly status: "passed" | "failed" | "skipped";
  readonly milliseconds: number;
  readonly reason?: string;
}

async function runUnit({ harness, case: one }: Unit): Promise<Ended> {
  const start = performance.now();
  // A new object for each case, because the suite remembers what it learned about a harness without the mutant.
  const { status, failure } = await run(one, { ...harness });
  const milliseconds = performance.now() - start;
  return { status, milliseconds, ...(failure && { reason: failure.message }) };
}

/** Runs one case alone and reports which mutants it executes, also in its child processes. */
async function cover(unit: Unit): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "manykv-mutation-"));
  process.env["MANYKV_MUTATION_COVERAGE"] = folder;
  process.env["NODE_OPTIONS"] = `--import ${new URL("child-coverage.js", import.meta.url).href}`;
  stryker.currentTestId = unit.id;
  send({ type: "start", unit: unit.id });
  const ended = await runUnit(unit);
  stryker.currentTestId = undefined;
  delete process.env["NODE_OPTIONS"];
  const hits: Record<string, number> = { ...stryker.mutantCoverage?.perTest[unit.id] };
  for (const name of readdirSync(folder))
    for (const id of readFileSync(join(folder, name), "utf8").split("\n")) hits[id] ??= 1;
  rmSync(folder, { recursive: true });
  send({ type: "end", unit: unit.id, ...ended, hits });
}
