import { describeAnomalies } from "../report/describe-anomalies.js";
import type { CampaignContext, CampaignResult } from "./campaign.js";
import type { NetworkRunResult } from "./network-run.js";

/** Adds up the results of a network campaign's runs. */
export class NetworkTally {
  readonly failures: string[] = [];
  readonly #context: CampaignContext;
  #runs = 0;
  #faults = 0;
  #calls = 0;
  #rejected = 0;
  #unknown = 0;
  #falseOutcomes = 0;
  #undecided = 0;
  #worstOverrun = Number.NEGATIVE_INFINITY;

  constructor(context: CampaignContext) {
    this.#context = context;
  }

  add(seed: number, fault: string, result: NetworkRunResult, mayBeUnknown: boolean): void {
    this.#runs++;
    this.#calls += result.calls;
    this.#faults += result.faults;
    this.#rejected += result.rejected.length;
    this.#unknown += result.unknown;
    this.#worstOverrun = Math.max(this.#worstOverrun, result.worstOverrun);
    this.#falseOutcomes += result.anomalies.length;
    this.#undecided += result.undecided;
    const texts = describeAnomalies(result.anomalies);
    if (!mayBeUnknown && result.unknownRepeatable > 0) {
      const what = `${result.unknownRepeatable} are: ${result.rejected.join("; ")}`;
      texts.push(`no key must be unknown unless its write has a condition or increments it, but ${what}`);
    }
    for (const text of texts) this.failures.push(`seed ${seed}, ${fault}: ${text}`);
  }

  result(): CampaignResult {
    const overrun = Math.max(0, Math.round(this.#worstOverrun));
    const { length } = this.failures;
    return {
      measured: `${this.#falseOutcomes} false outcomes, ${this.#unknown} keys unknown, at most ${overrun} ms past a deadline`,
      figures: {
        backend: this.#context.backend ?? "",
        runs: this.#runs,
        calls: this.#calls,
        faults: this.#faults,
        callsRejected: this.#rejected,
        keysUnknown: this.#unknown,
        falseOutcomes: this.#falseOutcomes,
        undecided: this.#undecided,
        worstOverrunMilliseconds: overrun,
        failures: length,
      },
      failures: this.failures,
    };
  }
}
