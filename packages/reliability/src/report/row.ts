/** The result of one campaign on one backend. */
export interface Row {
  readonly name: string;
  readonly what: string;
  readonly backend: string;
  readonly runs: number;
  readonly seed: number;
  readonly mustBe: string;
  readonly measured: string;
  readonly passed: boolean;
  /** Whether the run met a known limit of the engine, which docs/reliability.md describes. */
  readonly limited: boolean;
  readonly seconds: number;
  readonly figures: Readonly<Record<string, number | string>>;
  /** The first failures. */
  readonly failures: readonly string[];
}

/** How many failures per row are kept and printed. */
export const mostFailures = 20;
