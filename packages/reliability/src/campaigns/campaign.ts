import type { BackendName } from "../testbeds/testbed.js";

/** How many runs a campaign makes: as many as CI has time for, a long run by hand, or a number. */
export type Size = "ci" | "long" | number;

/** One kind of fault, run on each of its backends. */
export interface Campaign {
  /** The value of `--only`. */
  readonly name: string;
  /** What the campaign does. */
  readonly what: string;
  /** What the result must be. */
  readonly mustBe: string;
  /** Absent if the campaign needs no server. */
  readonly backends?: readonly BackendName[];
  /** Number of runs per size and backend. */
  readonly runs: { readonly ci: number; readonly long: number };
  run(context: CampaignContext): Promise<CampaignResult>;
}

export interface CampaignContext {
  /** Absent if the campaign needs no server. */
  readonly backend?: BackendName | undefined;
  readonly runs: number;
  readonly seed: number;
}

export interface CampaignResult {
  /** The result, for the table. */
  readonly measured: string;
  readonly figures: Readonly<Record<string, number | string>>;
  /** What went wrong, each with how to replay it. Empty if the campaign passed. */
  readonly failures: readonly string[];
  /** Whether the run met a known limit of the engine, which docs/reliability.md describes. Default: false. */
  readonly limited?: boolean;
}

/** Returns the backend of a campaign that needs one. */
export function backendOf({ backend }: CampaignContext): BackendName {
  if (backend === undefined) throw new TypeError("this campaign needs a backend");
  return backend;
}
