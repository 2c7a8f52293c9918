import type { BackendName } from "../testbeds/testbed.js";

/** How much of a campaign is run: what CI has time for, what is run by hand, or a number of runs. */
export type Size = "ci" | "long" | number;

/** One row of the table, for one backend where it has several. */
export interface Campaign {
  /** As it is passed to `--only`. */
  readonly name: string;
  /** What is done to the store. */
  readonly what: string;
  /** What the figures must be. */
  readonly mustBe: string;
  /** Absent where no server has a part in it. */
  readonly backends?: readonly BackendName[];
  /** Runs of each size, for each backend. */
  readonly runs: { readonly ci: number; readonly long: number };
  run(context: CampaignContext): Promise<CampaignResult>;
}

export interface CampaignContext {
  /** Absent where no server has a part in it. */
  readonly backend?: BackendName | undefined;
  readonly runs: number;
  readonly seed: number;
}

export interface CampaignResult {
  /** What was measured, as it stands in the table. */
  readonly measured: string;
  readonly figures: Readonly<Record<string, number | string>>;
  /** What was not as it must be: nothing, where the campaign passed. Each says how to replay it. */
  readonly failures: readonly string[];
  /** Whether a limit of the engine showed that is known and told in docs/reliability.md. Default: false. */
  readonly limited?: boolean;
}

/** The backend of a campaign that has several. */
export function backendOf({ backend }: CampaignContext): BackendName {
  if (backend === undefined) throw new TypeError("this campaign needs a backend");
  return backend;
}
