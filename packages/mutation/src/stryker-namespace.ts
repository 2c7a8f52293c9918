/** What the instrumented code shares with this tool. The names are Stryker's. */
export interface StrykerNamespace {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  mutantCoverage?: Coverage;
  /** How often the active mutant ran. Above `hitLimit`, the instrumented code throws, which ends most endless loops. */
  hitCount?: number | undefined;
  hitLimit?: number | undefined;
}

export interface Coverage {
  /** How often each mutant was executed while no case ran, by its id. */
  readonly static: Readonly<Record<string, number>>;
  /** The same for each case. */
  readonly perTest: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** The variable with which instrumented code in a new process activates a mutant. */
export const activeMutantVariable = "__STRYKER_ACTIVE_MUTANT__";

export function strykerNamespace(): StrykerNamespace {
  const holder = globalThis as { __stryker__?: StrykerNamespace };
  holder.__stryker__ ??= {};
  return holder.__stryker__;
}
