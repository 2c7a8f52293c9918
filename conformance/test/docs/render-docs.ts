import { type ConformanceCase, type Rule, rules, type WitSentenceId, witSentences } from "../../src/index.js";

const generated = "<!-- Generated from the cases: `pnpm --filter @manykv/conformance run docs`. -->";

/** All cases, by rule. */
export function renderCases(cases: readonly ConformanceCase[]): string {
  const groups = (Object.keys(rules) as Rule[]).map((rule) => {
    const rows = cases.filter((one) => one.rule === rule).map((one) => [`\`${one.id}\``, titleOf(one)]);
    return `## ${rule}: ${rules[rule]}\n\n${table(["case", "what the backend does"], rows)}`;
  });
  const network = cases.filter((one) => one.network).length;
  return page("The cases", [
    `${cases.length} cases, ${network} of which stand between client and server and need the harness's \`servers\`.`,
    ...groups,
  ]);
}

/** Every sentence of the interface that promises something, with the cases that prove it. */
export function renderWitCoverage(cases: readonly ConformanceCase[]): string {
  const rows = (Object.keys(witSentences) as WitSentenceId[]).map((id) => [
    id,
    witSentences[id],
    casesOf(cases, id)
      .map((one) => `\`${one.id}\``)
      .join(" "),
  ]);
  return page("What proves each sentence of `wasi:keyvalue/batch`", [
    "The sentences of the interface document that promise something, or say what is not promised, by function and place.",
    table(["place", "sentence", "cases"], rows),
  ]);
}

export function casesOf(cases: readonly ConformanceCase[], id: WitSentenceId): readonly ConformanceCase[] {
  return cases.filter(({ wit = [] }) => wit.includes(id));
}

function titleOf({ title, network }: ConformanceCase): string {
  return network ? `${title} (network)` : title;
}

function page(title: string, parts: readonly string[]): string {
  return `${[generated, `# ${title}`, ...parts].join("\n\n")}\n`;
}

/** A table whose columns are as wide as their widest cell, as the formatter would have it. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const rule = widths.map((width) => "-".repeat(width));
  const [first = [], ...others] = cells;
  return [line(first), line(rule), ...others.map(line)].join("\n");
}
