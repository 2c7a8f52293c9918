import { BACKENDS, type BackendName } from "../../backends/backend.js";
import { OPERATIONS } from "../../measure/contender.js";
import type { Verdict } from "../acceptance.js";
import type { DelayReport, Race, Report } from "../report.js";
import { count, raceTitle, shapeWords, spreadWords } from "../words.js";
import { growthChart, growthGroups } from "./growth-chart.js";
import { Html, html } from "./html.js";
import { raceChart } from "./race-chart.js";
import { style } from "./style.js";
import { raceTable, roundTripTable, verdictTable, volumeTable } from "./tables.js";

/** The report as one file that needs nothing else: no script, no network. */
export function page(report: Report, verdicts: readonly Verdict[]): string {
  const { machine, command } = report;
  const measured = verdicts.filter(({ passes }) => passes !== undefined);
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>manykv benchmarks</title>
<style>${new Html(style)}</style>
<h1>manykv benchmarks</h1>
<p class="note">${machine.date}, Node ${machine.node} on ${machine.platform}, ${machine.processor}, ${machine.cores} cores, ${machine.gibibytes} GiB.
${command === "" ? undefined : html`Run with <code>${command}</code>.`}</p>
<p>All contenders ran in one process and took turns within each round. Figures are medians, with the first and the third
quartile beside them. Ratios compare contenders round by round: manykv's time over the other's, so below 1 manykv is faster.</p>
${measured.length === 0 ? undefined : html`<h2>Acceptance</h2><div class="verdicts">${verdictTable(measured)}</div>`}
${BACKENDS.map((backend) => backendSection(backend, report))}
</html>
`.text;
}

function backendSection(backend: BackendName, report: Report): Html | undefined {
  const races = report.races.filter((race) => race.backend === backend);
  const volumes = report.volumes.filter((volume) => volume.backend === backend);
  if (races.length + volumes.length === 0) return undefined;
  return html`<h2>${backend}</h2>
<p class="note">${report.servers[backend]}</p>
${growthSections(races.filter(({ track }) => track === "batch"))}
${races.map((race) => raceSection(race, report.delay))}
${volumes.map(
  (volume) => html`<h3>${shapeWords({ ...volume, hits: "all" })} in one call</h3>${volumeTable(volume)}`,
)}`;
}

function growthSections(races: readonly Race[]): Html[] {
  return (["keys", "bytes"] as const).flatMap((side) =>
    growthGroups(races, side).map(
      (group) =>
        html`<h3>Cost of a key by ${side === "keys" ? "the size of the batch" : "the size of the value"}, ${
          side === "keys"
            ? `values of ${group[0]?.shape.bytes} B`
            : `${count(group[0]?.shape.keys ?? 0)} keys`
        }</h3>${OPERATIONS.map((operation) => new Html(growthChart(group, operation, side)))}`,
    ),
  );
}

function raceSection(race: Race, delay: DelayReport | undefined): Html {
  const out = race.disqualified.map(
    ({ contender, operation, reason }) => html`<br>${contender}, ${operation}: not timed, as it ${reason}`,
  );
  const link =
    race.track === "distance" && delay !== undefined
      ? html`<br>A round trip takes ${spreadWords(delay.direct)} ms, and ${spreadWords(delay.linked)} ms over the link.`
      : undefined;
  return html`<h3>${raceTitle(race)}</h3>
<p class="note">${count(race.rounds)} rounds${out}${link}</p>
${new Html(raceChart(race))}
${raceTable(race)}
${race.roundTrips === undefined ? undefined : roundTripTable(race)}`;
}
