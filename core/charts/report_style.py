"""How a saved report looks: on paper, on light and on dark screens, with nothing fetched from anywhere."""

from __future__ import annotations

from typing import Final

FONTS: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', Arial, sans-serif"
"""The reader's own: a file that opens without internet brings none."""

# The colours are those of .streamlit/config.toml. Figures are drawn once for both schemes: their marks read on
# either, and their text takes the page's colour here, for plotly writes it into each element.
STYLE: Final = f"""
:root {{ color-scheme: light dark; --ink: #14181B; --paper: #FBFAF7; --raised: #F5F3EE; --line: #D8D3C8;
  --better: #00664B; --worse: #A04600; --faint: #565E65; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --ink: #E8E5DE; --paper: #12161A; --raised: #1C2228; --line: #38414A;
    --better: #4CC9A4; --worse: #F59A5B; --faint: #A3ABB2; }}
}}
* {{ box-sizing: border-box; }}
body {{ margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 {FONTS}; }}
main {{ max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }}
h1, h2, h3 {{ line-height: 1.25; overflow-wrap: anywhere; }}
h1 {{ font-size: 1.75rem; margin: 0 0 .5rem; }}
h2 {{ font-size: 1.3rem; margin: 2.5rem 0 .5rem; padding-top: .75rem; border-top: 1px solid var(--line); }}
h3 {{ font-size: 1rem; margin: 0; }}
p, li, dd {{ overflow-wrap: anywhere; max-width: 46rem; }}
.faint, figcaption p, caption {{ color: var(--faint); }}
.scroll {{ overflow-x: auto; margin: 1rem 0; }}
table {{ border-collapse: collapse; font-size: .875rem; }}
caption {{ text-align: left; padding-bottom: .4rem; position: sticky; left: 0; max-width: calc(100vw - 2rem); }}
th, td {{ padding: .35rem .7rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top;
  max-width: 22rem; overflow-wrap: break-word; white-space: pre-line; font-variant-numeric: tabular-nums; }}
thead th {{ background: var(--raised); }}
th {{ min-width: 7rem; font-weight: 600; }}
td.figures {{ white-space: pre; }}
td:last-child {{ min-width: 10rem; }}
.better {{ color: var(--better); font-weight: 600; }}
.worse {{ color: var(--worse); font-weight: 600; }}
figure {{ margin: 1.5rem 0; }}
figcaption p {{ margin: .1rem 0 0; font-size: .875rem; }}
dt {{ font-weight: 600; }}
dd {{ margin: 0 0 .6rem; }}
.js-plotly-plot text {{ fill: var(--ink) !important; }}
.js-plotly-plot .hoverlayer .hovertext path {{ fill: var(--raised) !important; stroke: var(--line) !important; }}
@media print {{
  :root {{ --ink: #000; --paper: #FFF; --raised: #F5F3EE; --line: #BBB; --better: #00664B; --worse: #A04600;
    --faint: #444; color-scheme: light; }}
  body {{ font-size: 10pt; }}
  main {{ max-width: none; padding: 0; }}
  h2 {{ break-after: avoid; }}
  figure, tr {{ break-inside: avoid; }}
  .scroll {{ overflow: visible; }}
  table {{ font-size: 8pt; }}
  th, td, td:last-child {{ padding: .2rem .3rem; min-width: 0; }}
  thead th {{ overflow-wrap: anywhere; }}
  tbody th {{ min-width: 5rem; }}
  td.figures {{ white-space: pre-line; }}
}}
"""

SIDEWAYS: Final = "@media print { @page { size: landscape; margin: 1cm; } table { font-size: 6pt; } }"

PAPER_WIDTH: Final = 660
"""Pixels of a figure on a printed page, A4 or letter."""

# A figure has the width of the window it was drawn in, and paper is narrower.
PRINTING: Final = f"""
const figures = () => [...document.querySelectorAll(".js-plotly-plot")];
addEventListener("beforeprint", () => figures().forEach(one => Plotly.relayout(one, {{width: {PAPER_WIDTH}}})));
addEventListener("afterprint", () => figures().forEach(one => Plotly.relayout(one, {{width: null, autosize: true}})));
"""
