import { htmlPage, type Markup, markup } from "@manykv/page";
import type { CaseResult, SuiteResult } from "../results.js";
import { type Rule, rules } from "../rules.js";
import { byReason, byRule, countsOf } from "./group-results.js";
import { caseItem } from "./html-case.js";
import { pageScript } from "./page-script.js";
import { pageStyle } from "./page-style.js";

/**
 * Returns one HTML page that compares results: a table of rules and backends whose cells open to the cases. The page
 * contains everything that it shows, and its policy forbids the browser to load anything.
 *
 * @throws {TypeError} if there is no result
 */
export function htmlReport(results: readonly SuiteResult[]): string {
  if (results.length === 0) throw new TypeError("htmlReport: pass at least one result");
  const columns = results.map((result, index) => ({ result, index, rules: rulesOf(result) }));
  const names = results.map(({ backend }) => backend).join(", ");
  return htmlPage({
    title: `Conformance report: ${names}`,
    style: pageStyle,
    script: pageScript,
    body: markup`<a class="skip-link" href="#matrix">Skip to the rules</a>
<header>
<p class="eyebrow">manykv conformance</p>
<h1>Conformance report</h1>
<p class="lead">${leadOf(results)}</p>
</header>
<main>
<section aria-labelledby="backends">
<h2 id="backends">Backends</h2>
<ul class="cards">${results.map(backendCard)}</ul>
</section>
${failuresSection(columns)}
<section aria-labelledby="matrix">
<h2 id="matrix">Rules and backends</h2>
<p class="hint">Select a cell to see its cases.</p>
<div class="scroll" role="region" aria-label="Table of rules and backends" tabindex="0">
<table class="matrix">
<thead><tr><th scope="col">Rule</th>${results.map(({ backend }) => markup`<th scope="col">${backend}</th>`)}</tr></thead>
<tbody>${rowsOf(columns)}</tbody>
</table>
</div>
</section>
${skipsSection(results)}
</main>
<footer><p>The rules S1 to S22 are in docs/semantics.md of the manykv repository.</p></footer>
${columns.map(dialogsOf)}`,
  });
}

interface Column {
  readonly result: SuiteResult;
  readonly index: number;
  readonly rules: ReadonlyMap<Rule, readonly CaseResult[]>;
}

function rulesOf({ results }: SuiteResult): ReadonlyMap<Rule, readonly CaseResult[]> {
  return new Map(byRule(results).map(({ name, results: grouped }) => [name, grouped]));
}

function leadOf(results: readonly SuiteResult[]): string {
  const failed = results.reduce((sum, { counts }) => sum + counts.failed, 0);
  const backends = results.length === 1 ? "1 backend" : `${results.length} backends`;
  const total = results.reduce((sum, each) => sum + each.results.length, 0);
  return `${total} results of ${backends}: ${failed === 0 ? "no case failed" : `${failed} failed`}.`;
}

const statusIcon = { passed: "✓", failed: "✕", skipped: "–", incomplete: "–" } as const;

function icon(status: keyof typeof statusIcon): Markup {
  return markup`<span class="icon" aria-hidden="true">${statusIcon[status]}</span>`;
}

function backendCard(result: SuiteResult): Markup {
  const { backend, server, seed, startedAt, milliseconds, counts, complete, unhandled, levels } = result;
  const figures: readonly (readonly [string, Markup | string | number])[] = [
    ["Passed", counts.passed],
    ["Failed", counts.failed],
    ["Skipped", counts.skipped],
    ["Duration", `${(milliseconds / 1000).toFixed(1)} s`],
    ["Started", `${startedAt.slice(0, 16).replace("T", " ")} UTC`],
    ["Seed", markup`<code>${seed}</code>`],
  ];
  return markup`<li class="card">
<h3>${backend}</h3>
${server !== undefined && markup`<p class="server">${server}</p>`}
${!complete && markup`<p class="notice">The run is incomplete: not every case ran.</p>`}
${unhandled.length > 0 && markup`<details class="notice"><summary>Unhandled promise rejections: ${unhandled.length}</summary>${unhandled.map((text) => markup`<pre>${text}</pre>`)}</details>`}
<ul class="levels" aria-label="Levels">${Object.entries(levels).map(
    ([level, status]) => markup`<li class="badge ${status}">${icon(status)} ${level} ${status}</li>`,
  )}</ul>
<dl>${figures.map(([name, value]) => markup`<div${name === "Started" && markup` class="wide"`}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
</li>`;
}

function failuresSection(columns: readonly Column[]): Markup | undefined {
  const failures = columns.flatMap(({ result, index }) =>
    result.results.filter(({ status }) => status === "failed").map((each) => ({ each, result, index })),
  );
  if (failures.length === 0) return undefined;
  return markup`<section aria-labelledby="failures">
<h2 id="failures">Failed cases</h2>
<ul class="failures">${failures.map(
    ({ each, result, index }) =>
      markup`<li><a href="#${dialogId(each.rule, index)}" data-case="${caseId(each.id, index)}"><code>${each.id}</code> on ${result.backend}</a><p>${firstLineOf(each)}</p></li>`,
  )}</ul>
</section>`;
}

function firstLineOf({ failure }: CaseResult): string {
  return failure?.message.split("\n", 1)[0] ?? "";
}

function rowsOf(columns: readonly Column[]): readonly Markup[] {
  const shown = (Object.keys(rules) as Rule[]).filter((rule) => columns.some((column) => column.rules.has(rule)));
  return shown.map(
    (rule) =>
      markup`<tr><th scope="row"><span class="rule">${rule}</span> ${rules[rule]}</th>${columns.map((column) => cellOf(rule, column))}</tr>\n`,
  );
}

function cellOf(rule: Rule, { rules: results, index }: Column): Markup {
  const [first, ...others] = countsOf(results.get(rule) ?? []);
  if (first === undefined) return markup`<td class="empty">no case</td>`;
  const [status, count] = first;
  const more = others.map(([other, number]) => `${number} ${other}`).join(", ");
  return markup`<td><a class="cell ${status}" href="#${dialogId(rule, index)}">${icon(status)} ${count} ${status}${more !== "" && markup` <span class="more">${more}</span>`}</a></td>`;
}

function dialogId(rule: Rule, index: number): string {
  return `cases-${rule}-${index + 1}`;
}

function caseId(id: string, index: number): string {
  return `case-${id}-${index + 1}`;
}

function skipsSection(results: readonly SuiteResult[]): Markup | undefined {
  const rows = results.flatMap(({ backend, results: all }) =>
    byReason(all).map(
      ({ name, results: skipped }) =>
        markup`<tr><th scope="row">${name}</th><td>${backend}</td><td><details><summary>${skipped.length}</summary>${skipped.map(({ id }) => markup`<code>${id}</code> `)}</details></td></tr>\n`,
    ),
  );
  if (rows.length === 0) return undefined;
  return markup`<section aria-labelledby="skips">
<h2 id="skips">Skipped cases</h2>
<div class="scroll" role="region" aria-label="Table of skipped cases" tabindex="0">
<table class="skips">
<thead><tr><th scope="col">Reason</th><th scope="col">Backend</th><th scope="col">Cases</th></tr></thead>
<tbody>${rows}</tbody>
</table>
</div>
</section>`;
}

const order: readonly CaseResult["status"][] = ["failed", "skipped", "passed"];

/** Returns a dialog for each rule of a backend. Without scripts, the link to a dialog shows it at the end of the page. */
function dialogsOf({ result, index, rules: grouped }: Column): readonly Markup[] {
  return [...grouped].map(([rule, results]) => {
    const id = dialogId(rule, index);
    const sorted = order.flatMap((status) => results.filter((each) => each.status === status));
    return markup`<dialog id="${id}" aria-labelledby="${id}-title">
<div class="bar"><h2 id="${id}-title"><span class="rule">${rule}</span> ${rules[rule]}</h2><form method="dialog"><button>Close</button></form></div>
<p class="lead">${result.backend}: ${countsOf(results).map(([status, count], place) => `${place > 0 ? ", " : ""}${count} ${status}`)}</p>
<ul class="cases">${sorted.map((each) => caseItem(each, caseId(each.id, index), icon(each.status)))}</ul>
</dialog>\n`;
  });
}
