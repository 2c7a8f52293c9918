import { setMaxListeners } from "node:events";
import { setImmediate as nextTurn } from "node:timers/promises";
import { CaseContext } from "./case-context.js";
import { cases } from "./cases/index.js";
import { smokeCase } from "./cases/smoke.js";
import type { ConformanceCase } from "./conformance-case.js";
import { stackOf } from "./failure.js";
import type { ConformanceHarness } from "./harness.js";
import { levelsOf } from "./levels.js";
import type { CaseResult, SuiteEvent, SuiteResult } from "./results.js";
import { SuiteRun } from "./suite-run.js";
import { inLanes } from "./support/lanes.js";

/** Options of `runSuite`. */
export interface RunSuiteOptions {
  /** Receives every event of the run. If it throws, the run ends and `runSuite` rejects. */
  readonly onEvent?: ((event: SuiteEvent) => void) | undefined;
  /** Ends the run. The cases that are left are then skipped. */
  readonly signal?: AbortSignal | undefined;
  /** Maximum duration of a case without its cleanup, in milliseconds. Default 120,000, or more with many `modelRuns`. */
  readonly caseTimeout?: number | undefined;
  /** Number of cases that run at the same time. Cases that must run alone do so at the end. Default 4. */
  readonly concurrency?: number | undefined;
  /** Returns whether to run a case. The smoke case always runs. Default: every case runs. */
  readonly only?: ((one: ConformanceCase) => boolean) | undefined;
}

/**
 * Runs the suite and returns its result. Runs the smoke case first. If it fails, no other case runs. If the run is
 * cancelled, closes what the running cases opened and returns the results so far.
 *
 * @throws {TypeError} if a field of the harness is missing, unknown or of the wrong type, or if `skip` names an unknown
 * case, contains an empty reason, or leaves no case to run.
 */
export async function runSuite(harness: ConformanceHarness, options: RunSuiteOptions = {}): Promise<SuiteResult> {
  const { onEvent = () => {}, signal, caseTimeout, concurrency = 4, only = () => true } = options;
  const [startedAt, started] = [new Date().toISOString(), performance.now()];
  const stopped = new AbortController();
  const signals = signal === undefined ? [stopped.signal] : [signal, stopped.signal];
  const either = AbortSignal.any(signals);
  // Every running case listens to it.
  setMaxListeners(0, either);
  const run = new SuiteRun(harness, { caseTimeout, signal: either });
  const chosen = cases.filter((one) => one !== smokeCase && only(one));
  const results = new Map<string, CaseResult>();
  const perform = async (one: ConformanceCase): Promise<void> => {
    if (stopped.signal.aborted) return;
    try {
      if (run.skipOf(one) === undefined) onEvent({ type: "case-start", id: one.id });
      const result = await run.run(one);
      results.set(one.id, result);
      onEvent({ type: "case-end", result });
    } catch (error) {
      stopped.abort(error);
    }
  };
  const unhandled: string[] = [];
  const note = (reason: unknown): void => void unhandled.push(stackOf(reason));
  // Without a listener, a broken driver would end the process before there is a result.
  process.on("unhandledRejection", note);
  let server: string | undefined;
  try {
    const running = [smokeCase, ...chosen].filter((one) => run.skipOf(one) === undefined);
    onEvent({ type: "start", backend: harness.name, cases: running.length, seed: run.seed });
    await perform(smokeCase);
    if (results.get(smokeCase.id)?.status === "passed") server = await serverOf(harness);
    const [alone, together] = [chosen.filter((one) => one.alone), chosen.filter((one) => !one.alone)];
    await inLanes(together, perform, concurrency);
    await inLanes(alone, perform, 1);
    stopped.signal.throwIfAborted();
    // Node.js reports unhandled rejections only when it has processed the microtask queue.
    await nextTurn();
  } finally {
    process.off("unhandledRejection", note);
  }
  const ordered = cases.flatMap(({ id }) => results.get(id) ?? []);
  const result: SuiteResult = {
    backend: harness.name,
    ...(server !== undefined && { server }),
    seed: run.seed,
    startedAt,
    milliseconds: Math.round(performance.now() - started),
    results: ordered,
    counts: countsOf(ordered),
    complete: ordered.every(({ skip }) => skip !== "not-run"),
    failedCleanups: run.failedCleanups,
    unhandled,
    levels: unhandled.length > 0 ? allFailed : levelsOf(cases, results),
  };
  onEvent({ type: "end", result });
  return result;
}

const allFailed: SuiteResult["levels"] = { batch: "failed", outcomes: "failed", abilities: "failed" };

/** Returns the product, version and topology of the server, as far as the driver reports them. */
async function serverOf(harness: ConformanceHarness): Promise<string | undefined> {
  const context = new CaseContext(harness, 0);
  try {
    const { product, version, topology } = await (await context.store()).describe();
    const words = [product, version, topology && `(${topology})`].filter((word) => word !== undefined);
    return words.length > 0 ? words.join(" ") : undefined;
  } catch {
    // A case reports why `describe` fails.
    return undefined;
  } finally {
    await context.close().catch(() => {});
  }
}

function countsOf(results: readonly CaseResult[]): SuiteResult["counts"] {
  const count = (status: CaseResult["status"]): number => results.filter((each) => each.status === status).length;
  return { passed: count("passed"), failed: count("failed"), skipped: count("skipped") };
}
