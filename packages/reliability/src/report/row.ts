/** The result of one campaign, on one backend if the campaign has `backends`. */
export interface Row {
  readonly name: string;
  readonly what: string;
  readonly backend: string;
  readonly runs: number;
  readonly seed: number;
  readonly mustBe: string;
  readonly measured: string;
  readonly passed: boolean;
  /** Whether a run showed a known limit of the backend. See docs/reliability.md. */
  readonly limited: boolean;
  readonly seconds: number;
  readonly figures: Readonly<Record<string, number | string>>;
  /** The first failures, at most {@link mostFailures}. */
  readonly failures: readonly string[];
}

/** Maximum number of failures in a {@link Row}. */
export const mostFailures = 20;
