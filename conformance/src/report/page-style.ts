import { Markup } from "@manykv/page";

/** The style of the report. Every text has a contrast of at least 4.5:1 with its background, in both color schemes. */
export const pageStyle: Markup = new Markup(`
:root {
  --passed: #0a6640; --passed-back: #e5f6ed; --failed: #ad0f3c; --failed-back: #fdebf0;
  --skipped: #7a4b00; --skipped-back: #fff3d9;
}
@media (prefers-color-scheme: dark) {
  :root {
    --passed: #74dba6; --passed-back: #11301f; --failed: #ff92a9; --failed-back: #3b1522;
    --skipped: #ecc983; --skipped-back: #33280f;
  }
}
.card .wide { grid-column: span 2; }
.notice { margin-top: 0.5rem; color: var(--skipped); }
.levels { display: flex; flex-wrap: wrap; gap: 0.4rem; margin-top: 0.75rem; }
.badge { padding: 0.15rem 0.6rem; border-radius: 999px; font-size: 0.8rem; font-weight: 600; }
.passed { color: var(--passed); }
.failed { color: var(--failed); }
.skipped, .incomplete { color: var(--skipped); }
.badge.passed, .cell.passed { background: var(--passed-back); }
.badge.failed, .cell.failed { background: var(--failed-back); }
.badge.incomplete, .cell.skipped { background: var(--skipped-back); }
.failures {
  margin-top: 1rem; background: var(--surface); border: 1px solid var(--line); border-radius: 12px; box-shadow: var(--shadow);
}
.failures li { padding: 0.75rem 1.25rem; }
.failures li + li { border-top: 1px solid var(--line); }
.failures p { color: var(--muted); font-size: 0.9rem; }
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
.case details { margin-top: 1rem; font-size: 0.9rem; }
@media (max-width: 40rem) {
  .matrix th:first-child { width: 8.5rem; min-width: 8.5rem; font-size: 0.85rem; }
  .skips th[scope="row"] { min-width: 12rem; }
}
`);
