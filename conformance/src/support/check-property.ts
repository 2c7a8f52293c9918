import { AssertionError } from "node:assert";
import fc from "fast-check";
import { messageOf } from "./show.js";

export interface PropertyRuns {
  readonly seed: number;
  readonly runs: number;
}

/** An input for which a check rejects. */
export interface Counterexample {
  /** Shows the shrunk input and why the check rejects. */
  readonly error: Error;
  /** Checks the shrunk input again. */
  replay(): Promise<void>;
}

/**
 * Runs `check` on random inputs. If it rejects, shrinks the input and returns it. `describe` returns the steps of an
 * input, one line each.
 */
export async function checkProperty<Input>(
  inputs: fc.Arbitrary<Input>,
  check: (input: Input) => Promise<void>,
  describe: (input: Input) => readonly string[],
  { seed, runs }: PropertyRuns,
): Promise<Counterexample | undefined> {
  const details = await fc.check(fc.asyncProperty(inputs, check), { seed: seed | 0, numRuns: runs });
  if (details.counterexample === null) return undefined;
  const { counterexample, errorInstance: cause } = details;
  const [input] = counterexample;
  const steps = describe(input).map((step, index) => `  ${index + 1}. ${step}`);
  const message = `${messageOf(cause)}\nThis happens after these calls on a new bucket:\n${steps.join("\n")}`;
  const error = new AssertionError({ message });
  // The cause of an assertion would only repeat its message.
  if (!(cause instanceof AssertionError)) error.cause = cause;
  return { error, replay: () => check(input) };
}
