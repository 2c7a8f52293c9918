import { Markup } from "@manykv/page";

/**
 * The style of the page. The colors of the deployments differ for readers with any kind of color blindness, and have a
 * contrast of at least 4.5:1 with the surface, because labels have them too.
 */
export const pageStyle: Markup = new Markup(`
:root {
  --color-1: #0a5fb4; --color-2: #b3450a; --color-3: #0a7552; --color-4: #8a3f9e; --color-5: #7d5a00; --color-6: #4a5568;
}
@media (prefers-color-scheme: dark) {
  :root {
    --color-1: #6cb6ff; --color-2: #ffa261; --color-3: #4fd1a1; --color-4: #d99bee; --color-5: #e6c34a; --color-6: #b3bfd3;
  }
}
.color-1 { --color: var(--color-1); } .color-2 { --color: var(--color-2); } .color-3 { --color: var(--color-3); }
.color-4 { --color: var(--color-4); } .color-5 { --color: var(--color-5); } .color-6 { --color: var(--color-6); }
.card h3 { display: flex; gap: 0.5rem; align-items: center; font-size: 1.1rem; }
.swatch { flex: none; width: 0.8rem; height: 0.8rem; border-radius: 3px; background: var(--color); }
.card .wide { grid-column: 1 / -1; }
dd small, td small { display: block; color: var(--muted); font-size: 0.8rem; white-space: nowrap; }
.key { display: flex; flex-wrap: wrap; gap: 0.4rem 1.5rem; margin-top: 0.75rem; color: var(--muted); font-size: 0.9rem; }
.key li { display: flex; gap: 0.5rem; align-items: center; }
.key svg { flex: none; width: 34px; height: 16px; --color: var(--text); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 1rem; margin-top: 1rem; }
figure {
  max-width: 34rem; margin: 0; padding: 1rem 0.75rem 0.75rem; background: var(--surface); border: 1px solid var(--line);
  border-radius: 12px; box-shadow: var(--shadow);
}
figcaption { padding-left: 0.5rem; font-weight: 650; }
figure svg { display: block; width: 100%; height: auto; margin-top: 0.5rem; overflow: visible; }
svg text { font-size: 12px; }
.axis { fill: var(--muted); font-variant-numeric: tabular-nums; }
.grid { stroke: var(--line); }
.band { fill: var(--color); opacity: 0.16; }
.line { fill: none; stroke: var(--color); stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.single .line { stroke-dasharray: 6 5; }
.trip .line { stroke-dasharray: 0.1 5; stroke-width: 2.5; }
circle { fill: var(--color); }
.break-even { fill: var(--surface); stroke: var(--color); stroke-width: 2.5; }
.label { fill: var(--color); }
.label.batch { font-weight: 700; }
h3 { margin-top: 1.5rem; }
.card h3 { margin-top: 0; }
.figures :is(th, td) { padding-inline: 0.5rem; text-align: right; white-space: nowrap; }
.figures :is(th[rowspan], th[scope="row"]) {
  position: sticky; left: 0; padding-inline: 1rem; background: var(--surface); text-align: left;
}
.figures td { font-variant-numeric: tabular-nums; }
.figures .group { border-left: 1px solid var(--line); }
.figures { overflow-wrap: normal; }
.figures thead tr + tr th { white-space: normal; vertical-align: bottom; }
.figures th[colspan] { text-align: left; color: var(--text); font-size: 0.9rem; }
.part { white-space: nowrap; }
.explained { display: grid; gap: 0.75rem; max-width: 46rem; margin-top: 0.75rem; }
`);
