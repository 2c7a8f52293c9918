import {
  type ConformanceCase,
  levelOf,
  type Rule,
  rules,
  type Subject,
  type WitSentenceId,
  witSentences,
} from "../../src/index.js";
import { coverageOf, linked } from "../../src/table/coverage.js";
import { promises } from "../../src/table/table.js";

const generated = "<!-- Generated from the cases: `pnpm --filter @manykv/conformance run docs`. -->";

/** Returns the page that lists all cases by rule. */
export function renderCases(cases: readonly ConformanceCase[]): string {
  const groups = (Object.keys(rules) as Rule[]).map((rule) => {
    const rows = cases
      .filter((one) => one.rule === rule)
      .map((one) => [`\`${one.id}\``, one.subject, levelOf(one), one.title]);
    return `## ${rule}: ${rules[rule]}\n\n${table(["case", "subject", "level", "what the backend does"], rows)}`;
  });
  const count = (subject: Subject): number => cases.filter((one) => one.subject === subject).length;
  return page("The cases", [
    `The suite has ${cases.length} cases: ${count("core")} test core, many of them with injected faults, ${count("driver")} test the driver, ${count("ability")} test an optional ability of the driver, and ${count("network")} test the driver while its connections break. The network cases need the harness's \`servers\`.`,
    ...groups,
  ]);
}

/** Returns the page that lists the WIT sentences, each with the cases that test it. */
export function renderWitCoverage(cases: readonly ConformanceCase[]): string {
  const rows = (Object.keys(witSentences) as WitSentenceId[]).map((id) => [
    id,
    witSentences[id],
    casesOf(cases, id)
      .map((one) => `\`${one.id}\``)
      .join(" "),
  ]);
  return page("The cases that test each sentence of `wasi:keyvalue/batch`", [
    "This table contains every sentence of the interface document that states what an implementation guarantees or does not guarantee, in the order of the functions.",
    table(["place", "sentence", "cases"], rows),
  ]);
}

/** Returns the page that shows which promise is tested on which operation under which conditions. */
export function renderCoverage(): string {
  const sections = promises.flatMap((promise) => {
    const { head, rows, reasons } = coverageOf(promise);
    const notes = reasons.map((reason, index) => `(${index + 1}) ${reason}`).join("; ");
    return [`## ${promise.text}`, table(head, rows), ...(notes === "" ? [] : [`No case is needed: ${notes}.`])];
  });
  const others = linked.flatMap(({ promise, conditions }) => [
    `## ${promise}`,
    table(
      ["condition", "cases"],
      Object.entries(conditions).map(([condition, ids]) => [condition, ids.map((id) => `\`${id}\``).join(" ")]),
    ),
  ]);
  return page("Promises, operations and conditions", [
    "A case tests a promise on one operation under every condition in its row, and at each position that the cell names: the first, middle and last key of a batch, request of a call, or page of a listing, or `only` for a call with one key. A number stands for the reason why no case is needed.",
    ...sections,
    ...others,
  ]);
}

export function casesOf(cases: readonly ConformanceCase[], id: WitSentenceId): readonly ConformanceCase[] {
  return cases.filter(({ wit = [] }) => wit.includes(id));
}

function page(title: string, parts: readonly string[]): string {
  return `${[generated, `# ${title}`, ...parts].join("\n\n")}\n`;
}

/** Returns a Markdown table with aligned columns. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const rule = widths.map((width) => "-".repeat(width));
  const [first = [], ...others] = cells;
  return [line(first), line(rule), ...others.map(line)].join("\n");
}
