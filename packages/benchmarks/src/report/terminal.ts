import Table from "cli-table3";
import { OPERATIONS } from "../measure/contender.js";
import type { Timing } from "../measure/race.js";
import { ratio, spread } from "../measure/statistics.js";
import type { Race } from "./report.js";
import { count, shapeWords, spreadWords, trackWords } from "./words.js";

/** A race as a table: for each operation the time of a batch, and how much of each other's time the first one takes. */
export function raceTable(race: Race): string {
  const [first] = race.timings;
  const names = [...new Set(race.timings.map(({ contender }) => contender))];
  const operations = OPERATIONS.filter((operation) =>
    race.timings.some((timing) => timing.operation === operation),
  );
  const table = new Table({
    head: ["", ...operations.flatMap((operation) => [`${operation} ms`, `${first?.contender} takes`])],
    colAligns: ["left", ...operations.flatMap((): ("right" | "left")[] => ["right", "right"])],
    style: { head: [], border: [], compact: true },
  });
  for (const name of names) {
    const cells = operations.flatMap((operation) => {
      const find = (contender: string | undefined): Timing | undefined =>
        race.timings.find((timing) => timing.contender === contender && timing.operation === operation);
      return cellsOf(find(name), find(first?.contender));
    });
    table.push([name, ...cells]);
  }
  const title = `${race.backend}: ${shapeWords(race.shape)}, ${trackWords[race.track]}, ${count(race.rounds)} rounds`;
  const out = race.disqualified.map(
    ({ contender, operation, reason }) => `  ${contender}, ${operation}: not timed, as it ${reason}`,
  );
  return [title, table.toString(), ...out].join("\n");
}

function cellsOf(timing: Timing | undefined, reference: Timing | undefined): [string, string] {
  if (timing === undefined) return ["-", ""];
  const time = spreadWords(spread(timing.times));
  if (reference === undefined || timing === reference) return [time, ""];
  return [time, `${spreadWords(ratio(reference.times, timing.times))} x`];
}
