import { count, figure, type Quantiles } from "@manykv/measure";
import { htmlPage, type Markup, markup } from "@manykv/page";
import { type ChartLine, chartOf, type LineKind, type Point } from "./chart.js";
import { pageStyle } from "./page-style.js";
import { type BenchResult, batchMethods, type CellResult, type DeploymentResult, type Operation } from "./result.js";

/** Returns one HTML page that shows a result: charts, which are drawn here and need no script, and tables of all figures. */
export function htmlReport(result: BenchResult): string {
  const { deployments, options } = result;
  return htmlPage({
    title: `Benchmark: ${deployments.map(({ name }) => name).join(", ")}`,
    style: pageStyle,
    body: markup`<a class="skip-link" href="#figures">Skip to the figures</a>
<header>
<p class="eyebrow">manykv bench</p>
<h1>Batches and single calls</h1>
<p class="lead">${leadOf(result)}</p>
</header>
<main>
<section aria-labelledby="stores">
<h2 id="stores">Stores</h2>
<ul class="cards">${deployments.map(cardOf)}</ul>
</section>
${chartsSection(result, latency)}
${chartsSection(result, throughput)}
<section aria-labelledby="figures">
<h2 id="figures">Figures</h2>
<p class="hint">Median, and the 5th to 95th percentile.</p>
${options.operations.map((operation) => tableOf(result, operation))}
</section>
${explanation(result)}
</main>
<footer><p>Written by manykv ${result.manykv} on Node.js ${result.machine.node.slice(1)}, ${result.machine.platform}.</p></footer>`,
  });
}

function leadOf({ options, startedAt, milliseconds }: BenchResult): string {
  const { valueBytes, concurrency } = options;
  const batches = concurrency === 1 ? "one batch at a time" : `${count(concurrency)} batches at the same time`;
  const when = `${startedAt.slice(0, 16).replace("T", " ")} UTC`;
  return `Values of ${count(valueBytes)} bytes, ${batches}. Measured on ${when} in ${Math.ceil(milliseconds / 1000)} s.`;
}

function cardOf(deployment: DeploymentResult, index: number): Markup {
  const { label, name, product, driver, version, topology, roundTrip, breakEven, results, keysWritten } = deployment;
  const server = [product ?? driver, version, topology].filter((text) => text !== undefined).join(" ");
  const operations = Object.keys(breakEven) as Operation[];
  return markup`<li class="card color-${index + 1}">
<h3><span class="swatch"></span>${label}</h3>
<p class="server">${name}</p>
<p class="server">${server}</p>
<dl>
<div><dt>Round trip</dt><dd>${timeOf(roundTrip)}</dd></div>
<div><dt>Keys written</dt><dd>${count(keysWritten)}</dd></div>
<div class="wide"><dt>Batches are faster than single calls</dt><dd>${operations.map((operation, place) => markup`${place > 0 && ", "}<span class="part">${operation} ${sizeText(breakEven[operation])}</span>`)}</dd></div>
<div class="wide"><dt>Highest throughput, in keys per second</dt><dd>${operations.map((operation, place) => markup`${place > 0 && ", "}<span class="part">${operation} ${count(highest(results, operation))}</span>`)}</dd></div>
</dl>
</li>`;
}

function sizeText(size: number | null | undefined): string {
  return size === null || size === undefined ? "at no size" : `from ${count(size)}`;
}

function highest(results: readonly CellResult[], operation: Operation): number {
  const all = results.filter((each) => each.operation === operation);
  return Math.round(Math.max(...all.flatMap(({ batch, single }) => [batch.keysPerSecond, single.keysPerSecond])));
}

/** What the charts of a section show. */
interface Metric {
  readonly id: string;
  readonly title: string;
  readonly hint: string;
  /** Text for the line of the plain round trip. */
  readonly trip: string;
  readonly format: (figure: number) => string;
  readonly pointOf: (result: CellResult, kind: "batch" | "single") => Point;
  readonly tripOf: (deployment: DeploymentResult) => number;
}

const latency: Metric = {
  id: "latency",
  title: "Latency",
  hint: "Time until the last key is answered, by batch size. Lower is better.",
  trip: "plain round trip",
  format: (milliseconds) => `${compact(milliseconds)} ms`,
  pointOf: ({ size, batch, single }, kind) => {
    const { p5, p50, p95 } = (kind === "batch" ? batch : single).milliseconds;
    return {
      size,
      figure: p50,
      title: `${count(size)} keys: ${figure(p50)} ms`,
      ...(kind === "batch" && { spread: [p5, p95] as const }),
    };
  },
  tripOf: ({ roundTrip }) => roundTrip.p50,
};

const throughput: Metric = {
  id: "throughput",
  title: "Throughput",
  hint: "Keys per second, by batch size. Higher is better.",
  trip: "one key per plain round trip",
  format: compact,
  pointOf: ({ size, batch, single }, kind) => {
    const { keysPerSecond } = kind === "batch" ? batch : single;
    return { size, figure: keysPerSecond, title: `${count(size)} keys: ${count(Math.round(keysPerSecond))} keys/s` };
  },
  tripOf: ({ roundTrip }) => 1000 / roundTrip.p50,
};

/** Formats a figure for an axis, such as 0.1, 10 or 100k. */
function compact(figure: number): string {
  return figure.toLocaleString("en-US", { notation: "compact", maximumSignificantDigits: 3 });
}

function chartsSection({ deployments, options }: BenchResult, metric: Metric): Markup {
  const { id, title, hint, trip, format } = metric;
  const charts = options.operations.map((operation) => ({
    operation,
    lines: deployments.flatMap((deployment, index) =>
      linesOf(deployment, index, operation, metric, deployments.length),
    ),
  }));
  // The charts of a section have the same axes, so that a reader can compare them.
  const all = charts.flatMap(({ lines }) => lines.flatMap(({ points }) => points));
  const figures = all.flatMap(({ figure: each, spread = [] }) => [each, ...spread]);
  const extent = [Math.min(...figures), Math.max(...figures)] as const;
  return markup`<section aria-labelledby="${id}">
<h2 id="${id}">${title}</h2>
<p class="hint">${hint}</p>
<ul class="key">
<li>${keyLine("batch")}batch${id === "latency" && ", with the 5th to 95th percentile"}</li>
<li>${keyLine("single")}single calls for as many keys, all at the same time</li>
<li>${keyLine("trip")}${trip}</li>
<li><svg viewBox="0 0 34 16" aria-hidden="true"><circle class="break-even" cx="17" cy="8" r="6"/></svg>batches are faster from here</li>
</ul>
<div class="charts">${charts.map(({ operation, lines }) => {
    const titleId = `${id}-${operation}`;
    const description = deployments.map((deployment) => describe(deployment, operation, metric)).join(" ");
    return markup`<figure>
<figcaption id="${titleId}">${batchMethods[operation]} and ${operation}</figcaption>
${chartOf({ titleId, description, lines, sizes: options.sizes, extent, formatFigure: format })}
</figure>\n`;
  })}</div>
</section>`;
}

function keyLine(kind: LineKind): Markup {
  return markup`<svg class="${kind}" viewBox="0 0 34 16" aria-hidden="true"><path class="line" d="M2 8H32"/>${kind === "batch" && markup`<circle cx="17" cy="8" r="3"/>`}</svg>`;
}

function linesOf(
  deployment: DeploymentResult,
  index: number,
  operation: Operation,
  { pointOf, tripOf }: Metric,
  deployments: number,
): readonly ChartLine[] {
  const results = deployment.results.filter((each) => each.operation === operation);
  const label = shortened(deployment.label);
  const lineOf = (kind: LineKind, points: readonly Point[], alone: string): ChartLine => ({
    kind,
    color: index + 1,
    points,
    // With one deployment, the label says what the line is. With several, the line shows that, and the label whose it is.
    label: deployments === 1 ? alone : kind === "trip" ? undefined : label,
    breakEven: kind === "batch" ? (deployment.breakEven[operation] ?? undefined) : undefined,
  });
  const trip = tripOf(deployment);
  return [
    lineOf(
      "trip",
      results.map(({ size }) => ({ size, figure: trip })),
      "round trip",
    ),
    lineOf(
      "single",
      results.map((each) => pointOf(each, "single")),
      "single calls",
    ),
    lineOf(
      "batch",
      results.map((each) => pointOf(each, "batch")),
      "batch",
    ),
  ];
}

/** Shortens a name to the space beside a chart. */
function shortened(name: string): string {
  return name.length <= 13 ? name : `${name.slice(0, 12)}…`;
}

function describe({ label, results }: DeploymentResult, operation: Operation, { pointOf, format }: Metric): string {
  const all = results.filter((each) => each.operation === operation);
  const parts = [all[0], all.at(-1)].flatMap((each) => {
    if (each === undefined) return [];
    const [batch, single] = (["batch", "single"] as const).map((kind) => format(pointOf(each, kind).figure));
    return [`at ${count(each.size)} keys, batch ${batch}, single calls ${single}`];
  });
  return `${label}: ${parts.join("; ")}.`;
}

const columns = ["Batch", "Single calls", "Faster", "Round trips", "Batch, keys/s", "Single, keys/s"];

function tableOf({ deployments, options }: BenchResult, operation: Operation): Markup {
  const id = `figures-${operation}`;
  return markup`<h3 id="${id}">${batchMethods[operation]} and ${operation}</h3>
<div class="scroll" role="region" aria-labelledby="${id}" tabindex="0">
<table class="figures" data-operation="${operation}">
<thead>
<tr><th scope="col" rowspan="2">Keys</th>${deployments.map(({ label }) => markup`<th scope="colgroup" class="group" colspan="${columns.length}">${label}</th>`)}</tr>
<tr>${deployments.map(() => columns.map((column, place) => markup`<th scope="col"${place === 0 && markup` class="group"`}>${column}</th>`))}</tr>
</thead>
<tbody>${options.sizes.map(
    (size) =>
      markup`<tr><th scope="row">${count(size)}</th>${deployments.map(({ results }) => cellsOf(results.find((each) => each.operation === operation && each.size === size)))}</tr>\n`,
  )}</tbody>
</table>
</div>\n`;
}

function cellsOf(result: CellResult | undefined): Markup | undefined {
  if (result === undefined) return undefined;
  const { batch, single, speedup } = result;
  return markup`<td class="group">${timeOf(batch.milliseconds)}</td><td>${timeOf(single.milliseconds)}</td><td>${dataOf(speedup.p50, figure)} ×</td><td>${dataOf(batch.roundTrips, figure)}</td><td>${dataOf(batch.keysPerSecond, rate)}</td><td>${dataOf(single.keysPerSecond, rate)}</td>`;
}

function timeOf({ p5, p50, p95 }: Quantiles): Markup {
  return markup`${dataOf(p50, figure)} ms <small>${dataOf(p5, figure)} to ${dataOf(p95, figure)}</small>`;
}

/** A figure as text, and exactly as in the JSON result for programs. */
function dataOf(exact: number, format: (figure: number) => string): Markup {
  return markup`<data value="${exact}">${format(exact)}</data>`;
}

function rate(keysPerSecond: number): string {
  return count(Math.round(keysPerSecond));
}

function explanation({ options, deployments, machine }: BenchResult): Markup {
  const { concurrency, duration, rounds } = options;
  return markup`<section aria-labelledby="explanation">
<h2 id="explanation">How it was measured</h2>
<div class="explained">
<p>Each round set, got and deleted new keys in ${deployments.length === 1 ? "the store" : "every store"}: in batches, and with a single call for each of as many other keys. The single calls started at the same time, as with <code>Promise.all</code>. Batches and single calls${deployments.length > 1 && " of all stores"} took turns, in a new random order in each round. Every value that was read was compared with the value that was set.</p>
<p>A size was measured in at most ${count(rounds)} rounds and about ${duration / 1000} s, after a warm-up that does not count. ${concurrency > 1 && `A time is the time until the last of ${count(concurrency)} batches, which were sent at the same time, was answered.`}</p>
<p>The plain round trip is a <code>get</code> of a missing key, the cheapest request of a store. <em>Round trips</em> is the time of the batch divided by the plain round trip of the same round. <em>Faster</em> is the time of the single calls divided by the time of the batch of the same round. Batches are faster from the smallest size at which, and above which, the median of <em>Faster</em> is above 1 with a confidence of 95 %.</p>
<p>The client ran on ${machine.platform} with ${machine.cores} cores (${machine.processor}).</p>
</div>
</section>`;
}
