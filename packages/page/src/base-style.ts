import { Markup } from "./markup.js";

/** The style that all pages share. Every text has a contrast of at least 4.5:1 with its background, in both color schemes. */
export const baseStyle: Markup = new Markup(`
:root {
  color-scheme: light dark;
  --page: #f6f8fb; --surface: #fff; --sunken: #f6f8fb; --line: #e0e5ee; --text: #1b2137; --muted: #57607a;
  --link: #4a44c4; --shadow: 0 1px 2px rgb(27 33 55 / 6%), 0 4px 16px rgb(27 33 55 / 5%);
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f1321; --surface: #171c2e; --sunken: #0f1321; --line: #2b3248; --text: #e7eaf4; --muted: #a4adc4;
    --link: #a9a5ff; --shadow: none;
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
.server { font-size: 0.9rem; }
.lead { margin-top: 0.4rem; }
section { margin-top: 2.5rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); gap: 1rem; margin-top: 1rem; }
.card, .scroll {
  background: var(--surface); border: 1px solid var(--line); border-radius: 12px; box-shadow: var(--shadow);
}
.card { padding: 1.25rem; }
.card dl { display: grid; grid-template-columns: repeat(3, 1fr); gap: 0.75rem; margin-top: 1rem; }
dt { color: var(--muted); font-size: 0.8rem; }
dd { font-variant-numeric: tabular-nums; }
.scroll { margin-top: 1rem; overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: 0.95rem; }
th, td { padding: 0.6rem 1rem; text-align: left; vertical-align: top; }
tbody tr { border-top: 1px solid var(--line); }
thead th { color: var(--muted); font-size: 0.8rem; }
th[scope="row"] { font-weight: 400; }
footer { margin-top: 3rem; font-size: 0.85rem; }
.meta { margin-top: 0.4rem; font-size: 0.8rem; }
@media (max-width: 40rem) {
  th, td { padding: 0.6rem 0.75rem; }
  .card dl { grid-template-columns: repeat(2, 1fr); }
}
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
@media print { .scroll { overflow: visible; } }
`);
