import { createHash } from "node:crypto";

/** One change of the source code. */
export interface Mutant {
  /** The number that activates the mutant in the instrumented code. It changes whenever the sources change. */
  readonly id: string;
  /** Identifies the mutant as long as its line and the lines like it stay the same. */
  readonly key: string;
  /** Path of the file, from the root of the repository. */
  readonly file: string;
  /** Line number, from 1. */
  readonly line: number;
  /** The text of the line, without indentation. */
  readonly text: string;
  readonly mutator: string;
  readonly original: string;
  readonly replacement: string;
}

/** How a mutant ended. `survived` and `uncovered` mutants are holes; an uncovered one was never executed. */
export type Status = "killed" | "timeout" | "survived" | "uncovered";

/** What became of a mutant in one stage. */
export interface Verdict {
  readonly status: Status;
  /** The case or test that failed first. */
  readonly by?: string;
}

export function isDetected({ status }: Verdict): boolean {
  return status === "killed" || status === "timeout";
}

export function hash(...texts: readonly string[]): string {
  const sum = createHash("sha256");
  for (const text of texts) sum.update(text).update("\0");
  return sum.digest("hex").slice(0, 16);
}

/**
 * Returns `count` of the mutants, chosen by the seed. The choice depends on the mutants' keys only, so a change of the
 * sources exchanges only the mutants that it touches.
 */
export function sample(mutants: readonly Mutant[], count: number, seed: number): Mutant[] {
  const order = new Map(mutants.map((mutant) => [mutant, hash(String(seed), mutant.key)]));
  const rank = (mutant: Mutant): string => order.get(mutant) ?? "";
  return mutants.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1)).slice(0, count);
}
