import type { StepResult } from "./steps.js";

/** Returns the steps as a text table. */
export function formatSteps(steps: readonly StepResult[]): string {
  const rows = [["", "records", "value bytes", "calls", "time", "records/s"], ...steps.map(rowOf)];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join("  "),
    )
    .join("\n");
}

function rowOf({ name, records, bytes, calls, time }: StepResult): string[] {
  const perSecond = Math.round((records / time) * 1000);
  return [
    name,
    count(records),
    bytes === 0 ? "" : count(bytes),
    count(calls),
    `${count(Math.round(time))} ms`,
    count(perSecond),
  ];
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}
