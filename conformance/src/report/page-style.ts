import { Markup } from "./markup.js";

/** The style of the page. Every text has a contrast of at least 4.5:1 with its background, in both color schemes. */
export const pageStyle: Markup = new Markup(`
:root {
  color-scheme: light dark;
  --page: #f6f8fb; --surface: #fff; --sunken: #f6f8fb; --line: #e0e5ee; --text: #1b2137; --muted: #57607a;
  --link: #4a44c4; --passed: #0a6640; --passed-back: #e5f6ed; --failed: #ad0f3c; --failed-back: #fdebf0;
  --skipped: #7a4b00; --skipped-back: #fff3d9; --shadow: 0 1px 2px rgb(27 33 55 / 6%), 0 4px 16px rgb(27 33 55 / 5%);
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f1321; --surface: #171c2e; --sunken: #0f1321; --line: #2b3248; --text: #e7eaf4; --muted: #a4adc4;
    --link: #a9a5ff; --passed: #74dba6; --passed-back: #11301f; --failed: #ff92a9; --failed-back: #3b1522;
    --skipped: #ecc983; --skipped-back: #33280f; --shadow: none;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
body {
  margin: 0; padding: clamp(1rem, 4vw, 3rem); background: var(--page); color: var(--text);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  overflow-wrap: anywhere;
}
body > :is(header, main, footer) { max-width: 72rem; margin-inline: auto; }
h1, h2, h3, h4, p, ul, dl, dd { margin: 0; padding: 0; }
ul { list-style: none; }
h1 { font-size: clamp(1.6rem, 4vw, 2.2rem); line-height: 1.2; letter-spacing: -0.02em; }
h2 { font-size: 1.2rem; line-height: 1.3; letter-spacing: -0.01em; }
h3 { font-size: 1rem; }
h4 { margin-top: 1rem; font-size: 0.8rem; color: var(--muted); }
a { color: var(--link); }
code, pre { font: 0.85em/1.6 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
pre {
  margin: 0.4rem 0 0; padding: 0.75rem 1rem; background: var(--sunken); border: 1px solid var(--line);
  border-radius: 8px; white-space: pre-wrap; overflow-wrap: anywhere;
}
summary { cursor: pointer; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 4px; }
.skip-link { position: absolute; left: -999rem; }
.skip-link:focus { position: static; }
.eyebrow { color: var(--muted); font-size: 0.85rem; font-weight: 600; }
.lead, .hint, .server, .meta, footer { color: var(--muted); }
.lead { margin-top: 0.4rem; }
section { margin-top: 2.5rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); gap: 1rem; margin-top: 1rem; }
.card, .scroll, .failures {
  background: var(--surface); border: 1px solid var(--line); border-radius: 12px; box-shadow: var(--shadow);
}
.card { padding: 1.25rem; }
.card dl { display: grid; grid-template-columns: repeat(3, 1fr); gap: 0.75rem; margin-top: 1rem; }
.card .wide { grid-column: span 2; }
dt { color: var(--muted); font-size: 0.8rem; }
dd { font-variant-numeric: tabular-nums; }
.server { font-size: 0.9rem; }
.notice { margin-top: 0.5rem; color: var(--skipped); }
.levels { display: flex; flex-wrap: wrap; gap: 0.4rem; margin-top: 0.75rem; }
.badge { padding: 0.15rem 0.6rem; border-radius: 999px; font-size: 0.8rem; font-weight: 600; }
.passed { color: var(--passed); }
.failed { color: var(--failed); }
.skipped, .incomplete { color: var(--skipped); }
.badge.passed, .cell.passed { background: var(--passed-back); }
.badge.failed, .cell.failed { background: var(--failed-back); }
.badge.incomplete, .cell.skipped { background: var(--skipped-back); }
.failures { margin-top: 1rem; }
.failures li { padding: 0.75rem 1.25rem; }
.failures li + li { border-top: 1px solid var(--line); }
.failures p { color: var(--muted); font-size: 0.9rem; }
.scroll { margin-top: 1rem; overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: 0.95rem; }
th, td { padding: 0.6rem 1rem; text-align: left; vertical-align: top; }
tbody tr { border-top: 1px solid var(--line); }
thead th { color: var(--muted); font-size: 0.8rem; }
th[scope="row"] { font-weight: 400; }
.matrix th:first-child { position: sticky; left: 0; width: 36%; min-width: 13rem; background: var(--surface); }
.matrix thead th + th { padding-left: 1.1rem; }
.matrix td { min-width: 9rem; padding: 0.4rem; }
.matrix th[scope="row"] { padding-top: 0.7rem; }
.matrix td.empty { padding: 0.7rem 1.1rem; color: var(--muted); }
.rule { font-weight: 650; }
.cell { display: block; padding: 0.3rem 0.7rem; border-radius: 8px; font-weight: 600; text-decoration: none; overflow-wrap: normal; }
.cell:hover { text-decoration: underline; }
.more { display: block; padding-left: 1.35em; font-size: 0.8rem; font-weight: 400; }
.icon { display: inline-block; width: 1em; font-weight: 700; text-align: center; }
.cell .icon { margin-left: -0.2em; }
.skips details { max-width: 40rem; }
footer { margin-top: 3rem; font-size: 0.85rem; }
dialog {
  width: min(46rem, 100vw); max-width: none; height: 100vh; height: 100dvh; max-height: none; margin: 0 0 0 auto;
  padding: 0 clamp(1rem, 4vw, 2rem) 2rem; border: 0; border-left: 1px solid var(--line);
  background: var(--surface); color: var(--text); overflow: auto; overscroll-behavior: contain;
}
dialog::backdrop { background: rgb(10 13 25 / 45%); }
.no-script dialog:target { display: block; position: static; width: auto; height: auto; margin: 2rem 0; }
.bar {
  position: sticky; top: 0; display: flex; gap: 1rem; align-items: center; justify-content: space-between;
  padding: 1rem 0 0.75rem; background: var(--surface); border-bottom: 1px solid var(--line);
}
button {
  padding: 0.4rem 0.9rem; border: 1px solid var(--line); border-radius: 8px; background: var(--sunken);
  color: var(--text); font: inherit; font-size: 0.9rem; cursor: pointer;
}
.case { padding: 1rem 0; scroll-margin-top: 5rem; }
.case + .case { border-top: 1px solid var(--line); }
.case:focus { outline: none; }
.status { font-size: 0.8rem; font-weight: 600; }
.reason { color: var(--skipped); }
.meta { margin-top: 0.4rem; font-size: 0.8rem; }
.case details { margin-top: 1rem; font-size: 0.9rem; }
@media (max-width: 40rem) {
  th, td { padding: 0.6rem 0.75rem; }
  .matrix th:first-child { width: 8.5rem; min-width: 8.5rem; font-size: 0.85rem; }
  .skips th[scope="row"] { min-width: 12rem; }
  .card dl { grid-template-columns: repeat(2, 1fr); }
}
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
@media print { .scroll { overflow: visible; } }
`);
