/** One row of the table, as it was run. */
export interface Row {
  readonly name: string;
  readonly what: string;
  readonly backend: string;
  readonly runs: number;
  readonly seed: number;
  readonly mustBe: string;
  readonly measured: string;
  readonly passed: boolean;
  /** Whether a limit of the engine showed that is known and told in docs/reliability.md. */
  readonly limited: boolean;
  readonly seconds: number;
  readonly figures: Readonly<Record<string, number | string>>;
  /** The first ones. */
  readonly failures: readonly string[];
}

/** How many failures of a row are printed and kept. */
export const mostFailures = 20;
