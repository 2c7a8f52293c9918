import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findEquivalent } from "../src/equivalents.js";
import { type Instrumented, instrument } from "../src/instrument.js";
import { type Mutant, sample } from "../src/mutant.js";

const source = `export function grade(points: number): string {
  if (points < 0) throw new RangeError("points must not be negative: pass 0 or more");
  const statement = "SELECT grade FROM grades";
  return points >= 5 ? "pass" : statement;
}
`;

describe("mutants", () => {
  let root: string;
  let instrumented: Instrumented;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "manykv-mutation-"));
    await writeFile(join(root, "grade.ts"), source);
    instrumented = await instrument(root, ["grade.ts"]);
  });
  afterAll(() => rm(root, { recursive: true }));

  function mutantWith(replacement: string): Mutant {
    const mutant = instrumented.mutants.find((one) => one.replacement === replacement);
    if (mutant === undefined) throw new Error(`no mutant is ${replacement}`);
    return mutant;
  }

  test("each mutant has its line, its text and what it changes", () => {
    expect(mutantWith("points > 5")).toMatchObject({
      file: "grade.ts",
      line: 4,
      text: 'return points >= 5 ? "pass" : statement;',
      original: "points >= 5",
    });
  });

  test("a mutant of a message does not count, one of a statement or a short string does", () => {
    const strings = instrumented.mutants.filter(({ mutator }) => mutator === "StringLiteral");
    expect(strings.map(({ original }) => original)).toEqual(['"SELECT grade FROM grades"', '"pass"']);
    expect(instrumented.texts).toBe(1);
  });

  test("the instrumented code contains the branches of the mutants", () => {
    const { id } = mutantWith("points > 5");
    expect(instrumented.files.get("grade.ts")).toContain(`stryMutAct_9fa48("${id}")`);
  });

  test("a sample depends on the seed, and a larger sample contains a smaller one", () => {
    const { mutants } = instrumented;
    const five = sample(mutants, 5, 1);
    expect(sample(mutants.toReversed(), 5, 1)).toEqual(five);
    expect(sample(mutants, 6, 1)).toEqual(expect.arrayContaining(five));
    expect(sample(mutants, 5, 2)).not.toEqual(five);
  });

  test("a reviewed mutant is found by its line, its mutator and its code", () => {
    const { text: line, mutator, file } = mutantWith("points > 5");
    const entry = { kind: "equivalent", file, line, mutator, reason: "-" } as const;
    expect(findEquivalent([entry], mutantWith("points < 5"))).toBe(entry);
    const narrow = { ...entry, replacement: "points > 5" };
    expect(findEquivalent([narrow], mutantWith("points > 5"))).toBe(narrow);
    expect(findEquivalent([narrow], mutantWith("points < 5"))).toBeUndefined();
    expect(findEquivalent([{ ...entry, line: "return 1;" }], mutantWith("points > 5"))).toBeUndefined();
  });
});
