import { isDetected, type Mutant, type Verdict } from "./mutant.js";
import { type Ended, type RunEnd, SuiteProcess, type SuiteProcessOptions } from "./suite-process.js";

/** What the run without mutants found. */
export interface SuiteCoverage {
  /** The duration of each case in milliseconds. */
  readonly durations: Readonly<Record<string, number>>;
  /** How often each case executes each mutant: first by the mutant's id, then by the case. */
  readonly hits: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** The cases with harnesses of further configurations. */
  readonly further: readonly string[];
  /** The ids of the mutants that are executed while the modules load. */
  readonly static: readonly string[];
  /** Cases that failed without a mutant. No mutant counts as killed by them. */
  readonly broken: Readonly<Record<string, string>>;
}

/** Processes that cover the suite at the same time: cases mostly wait. */
const coverers = 4;

/** Runs each case without a mutant. */
export async function coverSuite(options: SuiteProcessOptions): Promise<SuiteCoverage> {
  const firstOnly = { ...options, further: [] };
  const all = Array.from({ length: coverers }, (_, index) => SuiteProcess.start(index === 0 ? options : firstOnly));
  const workers = await Promise.all(all);
  const [worker] = workers as [SuiteProcess];
  const { units, alone, further, covered } = worker.ready;
  const durations: Record<string, number> = {};
  const hits: Record<string, Record<string, number>> = {};
  const broken: Record<string, string> = {};
  const onEnd = (ended: Ended): void => {
    if (ended.status === "skipped") return;
    if (ended.status === "failed") {
      broken[ended.unit] = ended.reason ?? "";
      return;
    }
    durations[ended.unit] = ended.milliseconds;
    for (const [id, count] of Object.entries(ended.hits ?? {})) {
      hits[id] ??= {};
      hits[id][ended.unit] = count;
    }
  };
  const others = new Set([...alone, ...further]);
  const together = units.filter((unit) => !others.has(unit));
  const ends = await Promise.all(
    workers.map((each, number) =>
      each.cover(
        together.filter((_, index) => index % coverers === number),
        150_000,
        onEnd,
      ),
    ),
  );
  ends.push(await worker.cover([...others], 150_000, onEnd));
  for (const each of workers) each.kill();
  for (const { failed, hanging, reason } of ends)
    if (failed !== undefined || hanging !== undefined)
      throw new Error(`the run without mutants did not end: ${reason ?? hanging?.join(", ")}`);
  return { durations, hits, further, static: covered, broken };
}

/** What the cases did so far. The cases that find something often and fast run first, unstable ones last. */
export class CaseHistory {
  /** How many mutants each case killed, in total and by file. */
  readonly #kills = new Map<string, number>();
  /** How often a case failed with a mutant and did not fail again, or failed without it. */
  readonly unstable: Map<string, number> = new Map();

  sorted(units: readonly string[], { file }: Mutant, durations: SuiteCoverage["durations"]): string[] {
    const promise = (unit: string): number => {
      const kills = 1 + (this.#kills.get(unit) ?? 0) + 10 * (this.#kills.get(`${file} ${unit}`) ?? 0);
      const trust = 1 + 10 * (this.unstable.get(unit) ?? 0);
      return kills / trust / (10 + (durations[unit] ?? 0));
    };
    const promises = new Map(units.map((unit) => [unit, promise(unit)]));
    return units.toSorted((a, b) => (promises.get(b) ?? 0) - (promises.get(a) ?? 0));
  }

  addKill(unit: string, { file }: Mutant): void {
    for (const name of [unit, `${file} ${unit}`]) this.#kills.set(name, (this.#kills.get(name) ?? 0) + 1);
  }

  addChance(unit: string): void {
    this.unstable.set(unit, (this.unstable.get(unit) ?? 0) + 1);
  }
}

/** Runs the cases that execute a mutant, with the mutant, until one fails. */
export class SuiteStage {
  readonly #options: SuiteProcessOptions;
  readonly #coverage: SuiteCoverage;
  readonly #mutants: readonly Mutant[];
  readonly #concurrency: number;
  readonly #history: CaseHistory;
  #worker: SuiteProcess | undefined;
  /** Whether the worker has the harnesses of further configurations. They start servers, which takes time. */
  #hasFurther = false;

  /** @param mutants - all mutants of the package */
  constructor(
    options: SuiteProcessOptions,
    coverage: SuiteCoverage,
    mutants: readonly Mutant[],
    concurrency: number,
    history: CaseHistory,
  ) {
    this.#options = options;
    this.#coverage = coverage;
    this.#mutants = mutants;
    this.#concurrency = concurrency;
    this.#history = history;
  }

  async run(mutant: Mutant): Promise<Verdict> {
    const fresh = this.#coverage.static.includes(mutant.id);
    const units = this.#unitsFor(mutant, fresh);
    if (units.length === 0) return { status: "uncovered" };
    const verdict = await this.#runUnits(mutant, this.#history.sorted(units, mutant, this.#coverage.durations), fresh);
    if (isDetected(verdict) && verdict.by !== undefined) this.#history.addKill(verdict.by, mutant);
    return verdict;
  }

  close(): void {
    this.#worker?.kill();
  }

  /**
   * Returns the cases that execute the mutant. Code that runs while the modules load belongs to no single case: for such a
   * mutant, returns the cases that execute any mutant in the same file, or all cases if no case does.
   */
  #unitsFor(mutant: Mutant, fresh: boolean): readonly string[] {
    const { durations, hits, further } = this.#coverage;
    const ids = fresh ? this.#mutants.filter(({ file }) => file === mutant.file).map(({ id }) => id) : [mutant.id];
    const found = new Set(ids.flatMap((id) => Object.keys(hits[id] ?? {})));
    const units = found.size === 0 && fresh ? Object.keys(durations) : [...found];
    const first = units.filter((unit) => !further.includes(unit));
    return first.length > 0 ? first : units;
  }

  async #runUnits(mutant: Mutant, units: readonly string[], fresh: boolean): Promise<Verdict> {
    let left = [...units];
    while (left.length > 0) {
      const end = await this.#request(mutant, left, fresh);
      if (end.hanging !== undefined) {
        const { hanging, passed } = end;
        const again = await this.#request(mutant, hanging, fresh);
        if (again.hanging !== undefined || again.failed !== undefined)
          return { status: "timeout", by: (again.hanging ?? hanging).join(", ") };
        left = left.filter((unit) => !hanging.includes(unit) && !passed.includes(unit));
        continue;
      }
      if (end.failed === undefined) break;
      const { failed, passed } = end;
      const suspects = end.suspects?.length ? end.suspects : left;
      if (await this.#isConfirmed(mutant, failed, suspects, fresh)) return { status: "killed", by: failed };
      this.#history.addChance(failed);
      left = left.filter((unit) => !suspects.includes(unit) && !passed.includes(unit));
    }
    return { status: "survived" };
  }

  /** A kill counts only if the suspected cases fail in the same way a second time, and not without the mutant. */
  async #isConfirmed(mutant: Mutant, failed: string, suspects: readonly string[], fresh: boolean): Promise<boolean> {
    const again = await this.#request(mutant, suspects, fresh);
    if (again.hanging === undefined && again.failed !== failed) return false;
    const isClean = (end: RunEnd): boolean => end.hanging === undefined && end.failed !== failed;
    if (isClean(await this.#request(undefined, suspects, false))) return true;
    // The mutant may have damaged the worker.
    this.#worker?.kill();
    return isClean(await this.#request(undefined, suspects, false));
  }

  async #request(mutant: Mutant | undefined, units: readonly string[], fresh: boolean): Promise<RunEnd> {
    let worker: SuiteProcess;
    try {
      const hasFurther = units.some((unit) => this.#coverage.further.includes(unit));
      worker = await this.#workerFor(fresh ? mutant : undefined, hasFurther);
    } catch (error) {
      if (!fresh) throw error;
      // If the servers no longer work, the suite does not load without the mutant either, and the run must stop.
      (await SuiteProcess.start({ ...this.#options, further: [] })).kill();
      return { failed: "the load of the modules", passed: [] };
    }
    const { durations, hits } = this.#coverage;
    const counts = mutant === undefined ? [] : Object.values(hits[mutant.id] ?? {});
    const hitLimit = mutant && 10_000 + 100 * counts.reduce((sum, count) => sum + count, 0);
    const longest = Math.max(...units.map((unit) => durations[unit] ?? 0));
    const end = await worker.run(
      { mutant: mutant?.id, hitLimit, units, concurrency: this.#concurrency },
      20_000 + 5 * longest,
    );
    if (fresh) worker.kill();
    return end;
  }

  async #workerFor(mutant: Mutant | undefined, hasFurther: boolean): Promise<SuiteProcess> {
    const options = { ...this.#options, further: hasFurther ? this.#options.further : [] };
    if (mutant !== undefined) return SuiteProcess.start(options, mutant.id);
    if (hasFurther !== this.#hasFurther) this.close();
    if (!this.#worker?.alive) this.#worker = await SuiteProcess.start(options);
    this.#hasFurther = hasFurther;
    return this.#worker;
  }
}
