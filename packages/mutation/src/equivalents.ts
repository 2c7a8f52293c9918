import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Mutant } from "./mutant.js";

/** A mutant that a person has reviewed. */
export interface Equivalent {
  /**
   * `equivalent` if no caller can see a difference; the mutant then does not count. `accepted` if there is a difference
   * that no test shows on purpose; the mutant then counts as a survivor.
   */
  readonly kind: "equivalent" | "accepted";
  readonly file: string;
  /** The text of the line on which the mutant starts, without indentation. */
  readonly line: string;
  readonly mutator: string;
  /** The mutant's code. Absent if the entry covers every mutant of this line and mutator. */
  readonly replacement?: string;
  /** One sentence: why the mutant may stay. */
  readonly reason: string;
}

export async function readEquivalents(root: string): Promise<readonly Equivalent[]> {
  return JSON.parse(await readFile(join(root, "packages/mutation/equivalents.json"), "utf8"));
}

export function findEquivalent(equivalents: readonly Equivalent[], mutant: Mutant): Equivalent | undefined {
  return equivalents.find(
    ({ file, line, mutator, replacement = mutant.replacement }) =>
      file === mutant.file && line === mutant.text && mutator === mutant.mutator && replacement === mutant.replacement,
  );
}
