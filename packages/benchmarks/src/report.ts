import { count, figures, ratio, type Spread, spread, textTable } from "@manykv/measure";
import type { Comparison, Timing } from "./measure/compare.js";
import { OPERATIONS } from "./measure/contender.js";
import type { Shape } from "./measure/workload.js";

/** A row of the acceptance table: a figure, and the bar that the figure should not exceed. */
export interface Row {
  /** Backend and operation, such as `Redis set`. */
  readonly operation: string;
  /** Number of keys, and size of each value, such as `1,000 x 100 B`. */
  readonly size: string;
  /** What manykv is compared with, or what the figure measures. */
  readonly against: string;
  readonly unit: "x" | "ms";
  readonly bar: number;
  /** Absent if the measurement failed. */
  readonly measured?: Spread;
  readonly reached: boolean;
  /** Why the measurement failed. */
  readonly problem?: string;
}

export function row(
  parts: Pick<Row, "operation" | "size" | "against" | "unit" | "bar">,
  measured: Spread | string,
): Row {
  if (typeof measured === "string") return { ...parts, reached: false, problem: measured };
  return { ...parts, measured, reached: measured.median <= parts.bar };
}

/** Returns the acceptance table as text for a terminal. */
export function rowTable(rows: readonly Row[]): string {
  const reached = rows.filter((each) => each.reached).length;
  const table = textTable(
    ["operation", "keys x bytes", "measured", "of", "bar", ""],
    rows.map(({ operation, size, against, unit, bar, measured, reached }) => [
      operation,
      size,
      measured ? `${value(measured.median, unit)} (${value(measured.low, unit)}-${value(measured.high, unit)})` : "-",
      against,
      `<= ${bar} ${unit}`,
      measured === undefined ? "NOT MEASURED" : reached ? "reached" : "NOT REACHED",
    ]),
  );
  const problems = rows.flatMap(({ operation, size, problem }) =>
    problem === undefined ? [] : [`${operation}, ${size}: ${problem}`],
  );
  return [table, ...problems, `${reached} of ${rows.length} bars reached`].join("\n");
}

/**
 * Returns the rows as Markdown tables for docs/performance.md: first the ratios of set, get and delete side by side,
 * then the other figures. A figure that is missing or exceeds its bar is bold.
 */
export function markdownTable(rows: readonly Row[]): string {
  const lines = new Map<string, Map<string, string>>();
  const others: string[][] = [];
  for (const each of rows) {
    const { operation, size, against, unit, bar, measured, reached } = each;
    const figure = measured ? value(measured.median, unit) : "?";
    const shown = reached ? figure : `**${figure}**`;
    const [, subject, name] = /^(.*) (set|get|delete)( .*)?$/.exec(operation) ?? [];
    if (subject === undefined || name === undefined || unit === "ms") {
      others.push([operation, size, `${shown} ${unit}`, `<= ${bar} ${unit}`]);
      continue;
    }
    const key = `${subject} | ${size}`;
    const cells = lines.get(key) ?? new Map<string, string>();
    lines.set(key, cells.set(name, `${shown} of ${against} (bar ${bar})`));
  }
  const comparisons = Array.from(lines, ([key, cells]) => [
    ...key.split(" | "),
    ...OPERATIONS.map((operation) => cells.get(operation) ?? ""),
  ]);
  const tables = [
    ...(lines.size > 0 ? [markdownOf(["", "keys x bytes", ...OPERATIONS], comparisons)] : []),
    ...(others.length > 0 ? [markdownOf(["", "keys x bytes", "measured", "bar"], others)] : []),
  ];
  return tables.join("\n\n");
}

/** Returns a Markdown table. */
export function markdownOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Returns a comparison as text: the time of each contender, and the first contender's time divided by that time. */
export function comparisonTable(title: string, { shape, rounds, timings, failures }: Comparison): string {
  const first = timings[0]?.contender;
  const names = [...new Set(timings.map(({ contender }) => contender))];
  const operations = OPERATIONS.filter((operation) => timings.some((each) => each.operation === operation));
  const find = (contender: string | undefined, operation: string): Timing | undefined =>
    timings.find((each) => each.contender === contender && each.operation === operation);
  const table = textTable(
    ["", ...operations.flatMap((operation) => [`${operation} ms`, `${first} takes`])],
    names.map((name) => [
      name,
      ...operations.flatMap((operation) => {
        const timing = find(name, operation);
        const reference = find(first, operation);
        if (timing === undefined) return ["-", ""];
        const time = figures(spread(timing.times));
        if (reference === undefined || reference === timing) return [time, ""];
        return [time, `${figures(ratio(reference.times, timing.times))} x`];
      }),
    ]),
  );
  return [
    `${title}: ${describeShape(shape)}, ${count(rounds)} rounds`,
    table,
    ...failures.map(
      ({ contender, operation, reason }) => `  ${contender}: ${operation} is not measured, because it ${reason}`,
    ),
  ].join("\n");
}

export function describeShape({ keys, bytes, hits }: Shape): string {
  const found = { all: "", half: ", half of them found", none: ", none found" }[hits];
  return `${count(keys)} x ${bytes < 1024 ? `${bytes} B` : `${count(bytes / 1024)} KB`}${found}`;
}

export function mebibytes(bytes: number): string {
  return count(Math.round(bytes / 2 ** 20));
}

/** Formats a time with one decimal place, or a ratio with three: one more than bars have, to show small differences. */
function value(number: number, unit: Row["unit"]): string {
  return unit === "x" ? number.toFixed(3) : number.toFixed(1);
}
