import Table from "cli-table3";
import { OPERATIONS } from "../measure/contender.js";
import type { Timing } from "../measure/race.js";
import { ratio, spread } from "../measure/statistics.js";
import type { Race, Volume } from "./report.js";
import { count, figure, mebibytes, raceTitle, shapeWords, spreadWords } from "./words.js";

/** A race as a table: for each operation the time of a batch, and how much of each other's time the first one takes. */
export function raceTable(race: Race): string {
  const [first] = race.timings;
  const names = [...new Set(race.timings.map(({ contender }) => contender))];
  const operations = OPERATIONS.filter((operation) =>
    race.timings.some((timing) => timing.operation === operation),
  );
  const find = (contender: string | undefined, operation: string): Timing | undefined =>
    race.timings.find((timing) => timing.contender === contender && timing.operation === operation);
  const table = plainTable(
    ["", ...operations.flatMap((operation) => [`${operation} ms`, `${first?.contender} takes`])],
    names.map((name) => [
      name,
      ...operations.flatMap((operation) => cellsOf(find(name, operation), find(first?.contender, operation))),
    ]),
  );
  return [`${raceTitle(race)}, ${count(race.rounds)} rounds`, table, ...remarks(race)].join("\n");
}

function cellsOf(timing: Timing | undefined, reference: Timing | undefined): [string, string] {
  if (timing === undefined) return ["-", ""];
  const time = spreadWords(spread(timing.times));
  if (reference === undefined || timing === reference) return [time, ""];
  return [time, `${spreadWords(ratio(reference.times, timing.times))} x`];
}

function remarks({ disqualified, roundTrips = [] }: Race): string[] {
  return [
    ...disqualified.map(
      ({ contender, operation, reason }) => `  ${contender}, ${operation}: not timed, as it ${reason}`,
    ),
    ...roundTrips.map(
      ({ contender, roundTrips, longestChain }) =>
        `  ${contender}: get takes ${count(roundTrips)} round trips, ${count(longestChain)} of them one after the other`,
    ),
  ];
}

/** What one call of very many keys takes, beside calls of a usual size. */
export function volumeTable({ backend, keys, bytes, calls, whole, parts }: Volume): string {
  const rows = whole.map(({ operation, growth, result, millisecondsPerKey }, index) => {
    const part = parts[index];
    return [
      operation,
      mebibytes(growth),
      result === 0 ? "-" : mebibytes(result),
      part === undefined ? "-" : mebibytes(part.growth),
      figure(millisecondsPerKey * 1000),
      part === undefined ? "-" : figure(part.millisecondsPerKey * 1000),
      part === undefined ? "-" : `${figure(millisecondsPerKey / part.millisecondsPerKey)} x`,
    ];
  });
  const head = ["", "memory grows by MiB", "of it the result", `in ${count(calls)} calls`];
  const time = ["us a key", `in ${count(calls)} calls`, "one call takes"];
  return `${backend}: ${shapeWords({ keys, bytes, hits: "all" })} in one call\n${plainTable([...head, ...time], rows)}`;
}

/** Columns of figures behind one of names. */
export function plainTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = new Table({
    head: [...head],
    colAligns: head.map((_, column) => (column === 0 ? "left" : "right")),
    style: { head: [], border: [], compact: true },
  });
  for (const row of rows) table.push([...row]);
  return table.toString();
}
