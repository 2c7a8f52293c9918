import { cases } from "./cases/index.js";
import { smokeCase } from "./cases/smoke.js";
import { checkHarness } from "./check-harness.js";
import type { ConformanceCase } from "./conformance-case.js";
import type { ConformanceHarness } from "./harness.js";
import { levelOf } from "./levels.js";
import type { CaseResult, SkipKind } from "./results.js";
import { cancelledReason, LateError, type RunCaseOptions, runCase } from "./run-case.js";
import { randomSeed } from "./support/random-name.js";

/** Why a case does not run. */
export interface Skip {
  readonly kind: SkipKind;
  readonly reason: string;
}

/** One run of the suite. Knows which cases to skip, and stops the run if the smoke case fails. */
export class SuiteRun {
  readonly harness: ConformanceHarness;
  readonly seed: number;
  /** Number of cases whose cleanup failed. */
  failedCleanups = 0;
  readonly #options: RunCaseOptions;
  readonly #skips: ReadonlyMap<string, Skip>;
  readonly #cleanupErrors = new Set<string>();
  readonly #running = new Set<Promise<CaseResult>>();
  #lastAlone: Promise<unknown> = Promise.resolve();
  #smoke: Promise<CaseResult> | undefined;
  #smokeFailed = false;
  #cleanupHung = false;

  /**
   * @throws {TypeError} if a field of the harness is missing, unknown or of the wrong type, or if `skip` names an unknown
   * case, contains an empty reason, or leaves no case to run.
   */
  constructor(harness: ConformanceHarness, options: Pick<RunCaseOptions, "signal" | "caseTimeout"> = {}) {
    checkHarness(harness);
    this.harness = harness;
    this.seed = harness.seed ?? randomSeed();
    this.#options = { ...options, seed: this.seed };
    this.#skips = skipsOf(harness);
  }

  /** Returns why the case does not run, as far as it is known before the case runs. */
  skipOf({ id }: ConformanceCase): Skip | undefined {
    if (this.#skips.has(id)) return this.#skips.get(id);
    if (this.#smokeFailed && id !== smokeCase.id) return { kind: "not-run", reason: `${smokeCase.id} failed` };
    if (this.#options.signal?.aborted) return { kind: "not-run", reason: cancelledReason };
    return undefined;
  }

  /** Runs a case, unless it must be skipped. Runs the smoke case first. */
  async run(one: ConformanceCase): Promise<CaseResult> {
    this.#smoke ??= this.#run(smokeCase);
    const smoke = await this.#smoke;
    this.#smokeFailed = smoke.failure !== undefined && smoke.failure.phase !== "cleanup";
    return one === smokeCase ? smoke : this.#run(one);
  }

  async #run(one: ConformanceCase): Promise<CaseResult> {
    const skip = this.skipOf(one);
    if (skip !== undefined) return this.#skipped(one, skip);
    // A driver whose `close` hangs would hold up every case for the whole time.
    const shorter = (): object => (this.#cleanupHung ? { cleanupTimeout: 1_000 } : {});
    const result = await this.#inTurn(one, () => runCase(one, this.harness, { ...this.#options, ...shorter() }));
    return this.#withoutRepeatedCleanup(result);
  }

  /** A case that must run alone waits for all earlier cases, and all later cases wait for it. */
  async #inTurn({ alone }: ConformanceCase, perform: () => Promise<CaseResult>): Promise<CaseResult> {
    const turn = alone ? Promise.all(this.#running) : this.#lastAlone;
    const result = turn.then(perform);
    this.#running.add(result);
    if (alone) this.#lastAlone = result;
    try {
      return await result;
    } finally {
      this.#running.delete(result);
    }
  }

  #skipped(one: ConformanceCase, { kind, reason }: Skip): CaseResult {
    const { id, rule, subject, title } = one;
    const about = { id, rule, subject, level: levelOf(one), title, milliseconds: 0, seed: this.seed };
    return { ...about, status: "skipped", skip: kind, reason };
  }

  /** A driver whose `close` fails would fail every case. So only the first case with the same error fails. */
  #withoutRepeatedCleanup(result: CaseResult): CaseResult {
    if (result.failure?.phase !== "cleanup") return result;
    this.failedCleanups++;
    this.#cleanupHung ||= result.failure.error instanceof LateError;
    const { failure, ...about } = result;
    // Numbers, such as ports and times, differ between cases.
    const error = failure.message.replaceAll(/\d+/g, "0");
    if (!this.#cleanupErrors.has(error)) {
      this.#cleanupErrors.add(error);
      return result;
    }
    return { ...about, status: "passed" };
  }
}

/** Returns the cases that this harness skips, by id. */
function skipsOf(harness: ConformanceHarness): ReadonlyMap<string, Skip> {
  const skips = new Map<string, Skip>();
  const reason = "the harness has no `servers`";
  if (harness.servers === undefined)
    for (const { id, subject } of cases) if (subject === "network") skips.set(id, { kind: "not-applicable", reason });
  const ids = new Set(cases.map((one) => one.id));
  for (const [id, reason] of Object.entries(harness.skip ?? {})) {
    if (!ids.has(id))
      throw new TypeError(
        `${harness.name}: \`skip\` names ${id}, but no case has this id: see docs/cases.md of @manykv/conformance`,
      );
    if (reason.trim() === "") throw new TypeError(`${harness.name}: \`skip\` must contain a reason for ${id}`);
    skips.set(id, { kind: "asked", reason });
  }
  if (skips.size === cases.length)
    throw new TypeError(`${harness.name}: \`skip\` leaves no conformance case to run: remove ids from it`);
  return skips;
}
