"""How pages look, by day and by night. The hues are told apart also by who is colour-blind."""

from __future__ import annotations

HUES = 8
"""Classes c0 to c7; c0 and c1 are the router's own answers."""

CSS = """
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --ink: #16202c; --soft: #55616f; --faint: #8a95a3;
  --line: #dfe4ea; --grid: #e8ecf1; --accent: #2563c9; --good: #1a7f4b; --bad: #b3372f;
  --warn: #8a5a00; --warm: #fff4dc; --heat: 37, 99, 201; --wrong: 190, 60, 45;
  --c0: #12805c; --c1: #7cc4a4; --c2: #2f6fd0; --c3: #e0962c; --c4: #8e5bb5; --c5: #c9504a;
  --c6: #4fa3c7; --c7: #97a1ad;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #10151c; --card: #182029; --ink: #e6ebf1; --soft: #a3afbd; --faint: #76828f;
    --line: #2b3643; --grid: #25303c; --accent: #74a9ff; --good: #5cc994; --bad: #ff8f85;
    --warn: #f0c674; --warm: #33290f; --heat: 116, 169, 255; --wrong: 255, 120, 105;
    --c0: #3fbf8f; --c1: #1f7a5c; --c2: #6ea4f5; --c3: #f0b050; --c4: #bb8fe0; --c5: #f07f78;
    --c6: #74c3e3; --c7: #7d8894;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); }
main { max-width: 1080px; margin: 0 auto; padding: 28px 20px 60px; }
header p, .note { color: var(--soft); }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 4px; letter-spacing: -.015em; }
h2 { font-size: 1.15rem; margin: 0 0 2px; letter-spacing: -.01em; }
h3 { font-size: .95rem; margin: 18px 0 6px; }
p { margin: 4px 0 10px; max-width: 72ch; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: 18px 20px 20px; margin-top: 18px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(170px, 1fr)); gap: 12px;
  margin-top: 18px; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: 14px 16px; }
.tile b { display: block; font-size: 1.6rem; line-height: 1.2; letter-spacing: -.02em;
  font-variant-numeric: tabular-nums; }
.tile span { color: var(--soft); font-size: .86rem; display: block; }
.tile .name { color: var(--soft); font-size: .8rem; font-weight: 600; }
.pair { display: grid; gap: 8px 32px;
  grid-template-columns: repeat(auto-fit, minmax(min(400px, 100%), 1fr)); }
.pair > * { min-width: 0; }
figure { margin: 10px 0 0; }
figcaption { color: var(--soft); font-size: .86rem; margin-top: 4px; }
svg { display: block; width: 100%; max-width: 540px; height: auto; overflow: visible; }
svg text { fill: var(--soft); font-size: 11px; font-variant-numeric: tabular-nums; }
svg text.strong { fill: var(--ink); font-weight: 600; }
svg .grid { stroke: var(--grid); stroke-width: 1; }
svg .axis { stroke: var(--faint); stroke-width: 1; }
svg .line { fill: none; stroke: var(--accent); stroke-width: 2; stroke-linejoin: round; }
svg .dash { fill: none; stroke: var(--faint); stroke-width: 1.5; stroke-dasharray: 4 4; }
svg .dot { fill: var(--accent); stroke: var(--card); stroke-width: 1.5; }
svg .ring { fill: var(--card); stroke: var(--soft); stroke-width: 2; }
svg .whisker { stroke: var(--accent); stroke-width: 1.5; }
.scroll { overflow-x: auto; margin: 8px -4px 0; padding: 0 4px; }
.scroll + .scroll, .pair + .scroll { margin-top: 18px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { text-align: left; font-size: .8rem; color: var(--soft); font-weight: 600;
  border-bottom: 1px solid var(--line); padding: 4px 10px 6px 0; white-space: nowrap; }
td { padding: 6px 10px 6px 0; border-bottom: 1px solid var(--grid); vertical-align: top; }
tr:last-child td { border-bottom: 0; }
.n { text-align: right; white-space: nowrap; }
.all td { font-weight: 600; }
.said { min-width: 220px; max-width: 560px; overflow-wrap: anywhere; }
.names { overflow-wrap: break-word; max-width: 200px; }
.bar { display: block; height: 8px; border-radius: 4px; background: var(--accent); min-width: 2px; }
.track { background: var(--grid); border-radius: 4px; min-width: 90px; width: 100%;
  margin-top: 7px; }
.pair .track { min-width: 40px; }
.key { display: flex; flex-wrap: wrap; gap: 2px 14px; font-size: .86rem; color: var(--soft);
  margin-top: 8px; }
.key i { display: inline-block; width: 10px; height: 10px; border-radius: 3px; margin-right: 6px; }
.heat { width: auto; }
.heat td, .heat th { text-align: center; padding: 5px 8px; border: 2px solid var(--card);
  border-radius: 6px; min-width: 40px; }
.heat th { white-space: normal; overflow-wrap: break-word; max-width: 110px; vertical-align: bottom;
  font-weight: 500; }
.heat th.side { text-align: right; vertical-align: middle; }
.heat .zero { color: var(--faint); }
.chip { display: inline-block; border: 1px solid var(--line); border-radius: 999px;
  padding: 0 9px; font-size: .86rem; max-width: 190px; overflow-wrap: break-word; }
.chip.no { border-color: var(--bad); color: var(--bad); }
.chip.yes { border-color: var(--good); color: var(--good); }
.quiet { color: var(--soft); font-size: .86rem; }
.sign { font-style: normal; font-size: .72em; color: var(--warn); background: var(--warm);
  border-radius: 3px; padding: 0 3px; margin: 0 1px; }
.more { color: var(--faint); }
.warn { background: var(--warm); border-radius: 8px; padding: 8px 12px; margin-top: 14px;
  max-width: none; }
details { margin-top: 10px; }
summary { cursor: pointer; font-weight: 600; font-size: .95rem; }
footer { color: var(--soft); font-size: .86rem; margin-top: 24px; }
@media (max-width: 520px) {
  main { padding: 18px 12px 40px; }
  section { padding: 14px 13px 16px; }
  h1 { font-size: 1.4rem; }
  .tiles { grid-template-columns: 1fr 1fr; gap: 8px; }
  .tile { padding: 11px 12px; }
  .tile b { font-size: 1.3rem; }
  table { font-size: .88rem; }
  td, th { padding-right: 7px; }
  .track { min-width: 34px; }
  .rows thead { display: none; }
  .rows tr { display: flex; flex-wrap: wrap; align-items: baseline; gap: 3px 8px;
    padding: 9px 0; border-bottom: 1px solid var(--grid); }
  .rows td { border: 0; padding: 0; }
  .rows td:nth-child(2) { order: 9; flex-basis: 100%; }
  .judged td:nth-child(4)::before { content: "truth "; color: var(--soft); font-size: .86rem; }
}
@media print { section, .tile { break-inside: avoid; } body { background: none; } }
""" + "".join(
    f".c{hue} {{ fill: var(--c{hue}); background: var(--c{hue}); }}\n" for hue in range(HUES)
)
