export const style = `
:root { color-scheme: light; font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff; }
body { max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0.2rem; }
h2 { margin-top: 3rem; border-bottom: 1px solid #ccc; }
h3 { margin-bottom: 0.3rem; }
.note { color: #555; margin-top: 0; }
.wide { overflow-x: auto; }
svg { width: 100%; height: auto; max-width: 880px; }
table { border-collapse: collapse; font-size: 0.85rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.15rem 0.6rem; text-align: right; white-space: nowrap; border-bottom: 1px solid #e5e5e5; }
tbody th, th:first-child { text-align: left; font-weight: 600; }
.verdicts td:nth-child(-n + 3) { text-align: left; white-space: normal; }
.pass { color: #00664a; font-weight: 600; }
.miss { color: #b33c00; font-weight: 700; }
code { background: #f3f3f3; padding: 0.1rem 0.3rem; }
`;
