import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Result, Survivor } from "./result.js";
import { targetNames } from "./targets.js";

/** Writes docs/mutation.md from the last result of each target. */
export async function writeReport(root: string): Promise<void> {
  const results: Result[] = [];
  for (const name of targetNames) {
    const path = join(root, "packages/mutation/results", `${name}.json`);
    if (existsSync(path)) results.push(JSON.parse(await readFile(path, "utf8")));
  }
  await writeFile(join(root, "docs/mutation.md"), reportOf(results));
}

export function reportOf(results: readonly Result[]): string {
  return [
    "# Mutation testing",
    "",
    "<!-- Written by `npx -y pnpm@12 mutation`. To change this text, change packages/mutation/src/report.ts. -->",
    "",
    "`npx -y pnpm@12 mutation core` changes the sources of a package in small ways, one at a time, and runs the published",
    "conformance suite against each change. A change that no case notices is a survivor. The package's own tests then run",
    "against the survivors. The mutants are those of Stryker's instrumenter. `packages/mutation/README.md` explains the",
    "command.",
    "",
    "| package | date | mutants | sample | equivalent | published suite | with all tests |",
    "| ------- | ---- | ------: | -----: | ---------: | --------------: | -------------: |",
    ...results.map(rowOf),
    "",
    "- A score is the part of the sample, without equivalent mutants, that was detected. A mutant that makes a case hang is",
    "  detected; `packages/mutation/results` says how many these are.",
    "- A kill counts only if the case fails twice with the mutant and passes without it.",
    `- Not counted: ${results.map(({ target, messages }) => `${messages} mutants of ${target}`).join(", ")} that only change the text of a`,
    "  message. Programs act on the code of an error, never on its message.",
    "- The sample is chosen by a seed. With the same seed and sources, the command chooses the same mutants.",
    ...results.flatMap(sectionOf),
    "",
  ].join("\n");
}

function rowOf({ target, date, mutants, sample, equivalent, bySuite, byTests }: Result): string {
  const judged = sample - equivalent.length;
  const percent = (count: number): string => `${((100 * count) / judged).toFixed(1)} %`;
  const all = byTests === undefined ? "not run" : percent(bySuite + byTests);
  const cells = [target, date, mutants, sample, equivalent.length, percent(bySuite), all];
  return `| ${cells.join(" | ")} |`;
}

function sectionOf({ target, survivors, equivalent, byTests }: Result): string[] {
  const isOpen = ({ tests }: Survivor): boolean => tests !== "killed" && tests !== "timeout";
  const open = survivors.filter(isOpen);
  const closed = survivors.filter((survivor) => !isOpen(survivor));
  return [
    "",
    `## ${target}`,
    "",
    byTests === undefined
      ? "### Survivors of the suite (the tests did not run)"
      : "### Survivors of the suite and of the tests",
    "",
    ...table(open, "why it may stay", ({ reason }) => reason ?? "not reviewed"),
    "",
    "### Survivors of the suite that a test detects",
    "",
    ...table(closed, "test", ({ by }) => by ?? "a test that did not end"),
    "",
    "### Equivalent mutants",
    "",
    ...table(equivalent, "why no caller can see a difference", ({ reason }) => reason ?? ""),
  ];
}

function table(survivors: readonly Survivor[], title: string, last: (survivor: Survivor) => string): string[] {
  if (survivors.length === 0) return ["None."];
  const rows = survivors.toSorted((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1));
  return [
    `| line | original | mutant | ${title} |`,
    "| ---- | -------- | ------ | --- |",
    ...rows.map((survivor) => {
      const { file, line, original, replacement } = survivor;
      return `| ${file.replace("/src/", "/")}:${line} | ${code(original)} | ${code(replacement)} | ${last(survivor).replaceAll("|", "\\|")} |`;
    }),
  ];
}

/** Returns code on one line, shortened, for a cell of a table. */
function code(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  const short = line.length > 70 ? `${line.slice(0, 67)}...` : line;
  const fence = short.includes("`") ? "``" : "`";
  return `${fence}${short.replaceAll("|", "\\|")}${fence}`;
}
