import type { BackendName } from "../testbeds/testbed.js";

/** Number of runs of a campaign: the number for CI, the number for a long manual test, or a given number. */
export type Size = "ci" | "long" | number;

/** A test with one kind of fault. Runs separately on each backend in `backends`, or once without `backends`. */
export interface Campaign {
  /** The name that selects the campaign in `--only`. */
  readonly name: string;
  /** Short description of the test, for the table of results. */
  readonly what: string;
  /** Required result, for the table of results. */
  readonly mustBe: string;
  /** The backends on which the campaign runs. Absent if the campaign does not run on each backend separately. */
  readonly backends?: readonly BackendName[];
  /** Number of runs on each backend, for each named size. */
  readonly runs: { readonly ci: number; readonly long: number };
  run(context: CampaignContext): Promise<CampaignResult>;
}

export interface CampaignContext {
  /** The backend on which the campaign runs. Absent if the campaign has no `backends`. */
  readonly backend?: BackendName | undefined;
  readonly runs: number;
  readonly seed: number;
}

export interface CampaignResult {
  /** Measured result, for the table of results. */
  readonly measured: string;
  readonly figures: Readonly<Record<string, number | string>>;
  /** A description of each failure, if possible with the seed that repeats the run. Empty if the campaign passed. */
  readonly failures: readonly string[];
  /** Whether a run showed a known limit of the backend. See docs/reliability.md. Default: false. */
  readonly limited?: boolean;
}

/** Returns the backend on which the campaign runs. Throws a `TypeError` if the context has no backend. */
export function backendOf({ backend }: CampaignContext): BackendName {
  if (backend === undefined)
    throw new TypeError("backendOf: this campaign needs a backend: set `backend` in the context");
  return backend;
}
