import { OPERATIONS } from "../../measure/contender.js";
import { ratio, spread } from "../../measure/statistics.js";
import type { Verdict } from "../acceptance.js";
import type { Race, Volume } from "../report.js";
import { count, figure, mebibytes, spreadWords } from "../words.js";
import { type Html, html } from "./html.js";

function table(head: readonly string[], rows: readonly Html[]): Html {
  return html`<div class="wide"><table>
<thead><tr>${head.map((text) => html`<th>${text}</th>`)}</tr></thead>
<tbody>${rows}</tbody>
</table></div>`;
}

function row(cells: readonly (string | Html)[]): Html {
  return html`<tr>${cells.map((cell, column) => (column === 0 ? html`<th>${cell}</th>` : html`<td>${cell}</td>`))}</tr>\n`;
}

/** Times, and how much of each other's time the library takes. */
export function raceTable(race: Race): Html {
  const [first] = race.timings;
  const names = [...new Set(race.timings.map(({ contender }) => contender))];
  const head = OPERATIONS.flatMap((operation) => [`${operation}, ms`, `${first?.contender ?? ""} takes`]);
  return table(
    ["", ...head],
    names.map((name) =>
      row([
        name,
        ...OPERATIONS.flatMap((operation) => {
          const of = (contender: string | undefined): readonly number[] | undefined =>
            race.timings.find((each) => each.contender === contender && each.operation === operation)?.times;
          const times = of(name);
          const own = of(first?.contender);
          if (times === undefined) return ["", ""];
          const share =
            own === undefined || name === first?.contender ? "" : `${spreadWords(ratio(own, times))} x`;
          return [spreadWords(spread(times)), share];
        }),
      ]),
    ),
  );
}

export function verdictTable(verdicts: readonly Verdict[]): Html {
  return table(
    ["backend", "what", "takes, of", "at most", "measured", ""],
    verdicts.map(({ backend, what, against, most, measured, passes }) =>
      row([backend, what, against, most, measured ?? "not measured", badge(passes)]),
    ),
  );
}

function badge(passes: boolean | undefined): Html {
  if (passes === undefined) return html``;
  return passes ? html`<span class="pass">pass</span>` : html`<span class="miss">miss</span>`;
}

export function volumeTable({ calls, whole, parts }: Volume): Html {
  const many = `in ${count(calls)} calls`;
  return table(
    ["", "memory grows by", "of it the result", many, "us a key", many, "one call takes"],
    whole.map(({ operation, growth, result, millisecondsPerKey }, index) => {
      const part = parts[index];
      if (part === undefined) return row([operation]);
      return row([
        operation,
        `${mebibytes(growth)} MiB`,
        result === 0 ? "" : `${mebibytes(result)} MiB`,
        `${mebibytes(part.growth)} MiB`,
        figure(millisecondsPerKey * 1000),
        figure(part.millisecondsPerKey * 1000),
        `${figure(millisecondsPerKey / part.millisecondsPerKey)} x`,
      ]);
    }),
  );
}

export function roundTripTable({ roundTrips = [] }: Race): Html {
  return table(
    ["reading one batch", "round trips", "one after the other"],
    roundTrips.map(({ contender, roundTrips, longestChain }) =>
      row([contender, count(roundTrips), count(longestChain)]),
    ),
  );
}
