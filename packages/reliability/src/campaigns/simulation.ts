import { describeAnomalies } from "../report/describe-anomalies.js";
import { runSimulation } from "../simulation/run-simulation.js";
import type { Campaign } from "./campaign.js";

export const simulation: Campaign = {
  name: "simulation",
  what: "simulated schedules in process",
  mustBe: "0 false outcomes, 0 calls unsettled",
  runs: { ci: 20_000, long: 1_000_000 },
  async run({ seed, runs }) {
    const { failures, outcomes, ...figures } = await runSimulation(seed, runs);
    const texts = failures.flatMap((failure) =>
      describeAnomalies(failure.anomalies, 1).map((text) => `seed ${failure.seed}: ${text}`),
    );
    return {
      measured: `${figures.falseOutcomes} false outcomes, ${figures.unsettled} unsettled of ${figures.calls} calls`,
      figures: {
        ...figures,
        applied: outcomes.applied,
        notApplied: outcomes["not-applied"],
        unknown: outcomes.unknown,
      },
      failures: texts,
    };
  },
};
