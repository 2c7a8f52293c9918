import type { Row } from "./row.js";

const head = ["what", "backend", "runs", "must be", "measured", "seconds", "seed", ""];

/** Returns the rows as a Markdown table. */
export function tableOf(rows: readonly Row[]): string {
  const lines = rows.map((row) => [
    row.what,
    row.backend,
    row.runs.toLocaleString("en"),
    row.mustBe,
    row.measured,
    row.seconds.toFixed(0),
    `${row.seed}`,
    verdictOf(row),
  ]);
  const widths = head.map((title, column) =>
    Math.max(title.length, ...lines.map((line) => (line[column] as string).length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] as number)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...lines.map(line)].join("\n");
}

export function verdictOf({ passed, limited }: Row): string {
  if (!passed) return "FAIL";
  return limited ? "in part" : "pass";
}
