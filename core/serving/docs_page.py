"""``/docs``: one page that needs no internet. FastAPI's own fetches its scripts from a content network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from typing import Final

from core.domain.house import FEATURES, RAW_COLUMNS, House
from core.serving.strict_rows import rule_of

POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""The page may talk to its own server and to nobody else."""

_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; } h2 { margin-top: 2.2rem; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top;
  padding: .35rem .6rem .35rem 0; border-bottom: 1px solid color-mix(in srgb, currentColor 18%, transparent); }
code, pre, textarea { font: 14px/1.45 ui-monospace, monospace; }
pre, textarea { background: color-mix(in srgb, currentColor 6%, transparent); padding: .7rem; border: 0;
  overflow: auto; width: 100%; box-sizing: border-box; border-radius: .4rem; }
button { font: inherit; padding: .35rem .9rem; margin: .5rem .5rem .5rem 0; cursor: pointer; }
"""

_SCRIPT: Final = """
for (const button of document.querySelectorAll("button"))
  button.addEventListener("click", async () => {
    const answer = document.getElementById("answer");
    answer.textContent = "…";
    try {
      const response = await fetch(button.dataset.route, {
        method: "POST", headers: {"Content-Type": "application/json"},
        body: document.getElementById("body-" + button.dataset.body).value});
      answer.textContent = response.status + " " + response.statusText + "\\n"
        + JSON.stringify(await response.json(), null, 2);
    } catch (error) { answer.textContent = "The service does not answer: " + error; }
  });
"""


def docs_page(routes: Sequence[tuple[str, str, str]], address: str) -> str:
    """The page as HTML.

    Args:
        routes: method, path and one sentence each.
        address: where the reader found the page, for the call to copy.
    """
    house = House.typical().as_dict()
    split = {"dataframe_split": {"columns": list(house), "data": [list(house.values())]}}
    call = f"curl -X POST {address}/invocations -d '{json.dumps(split, ensure_ascii=False)}'"
    listed = "".join(
        f"<tr><td><code>{escape(method)} {escape(path)}</code></td><td>{escape(told)}</td></tr>"
        for method, path, told in routes
    )
    features = "".join(
        f"<tr><td><code>{name}</code></td><td>{escape(rule_of(FEATURES[name]))}"
        f"{', or null' if FEATURES[name].may_be_missing else ''}</td><td>{escape(FEATURES[name].help)}</td></tr>"
        for name in RAW_COLUMNS
    )
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Housing Price Lab: REST</title><style>{_STYLE}</style></head><body>
<h1>Housing Price Lab: REST</h1>
<p>Prices in 1990 dollars, from the champion. For machines: <a href="/openapi.json">openapi.json</a>.</p>
<h2>Routes</h2><table>{listed}</table>
<h2>Price rows</h2><pre>{escape(call)}</pre>
<p><code>/invocations</code> takes <code>dataframe_split</code>, <code>dataframe_records</code>, <code>instances</code>
or <code>inputs</code> as JSON, or a table as <code>text/csv</code>, and answers
<code>{{"predictions": [...]}}</code>. The header <code>X-Model-Version</code> says who answered.</p>
<h2>The nine columns</h2><table><tr><th>column</th><th>rule</th><th>meaning</th></tr>{features}</table>
<p>A row that breaks a rule is refused with 422: <code>problems</code> names row, column, value and rule.</p>
<h2>Try it</h2>
<textarea id="body-split" rows="8" aria-label="Rows to price">{escape(json.dumps(split, indent=1))}</textarea>
<button data-route="/invocations" data-body="split">Price these rows</button>
<textarea id="body-house" rows="11" aria-label="House to value">{escape(json.dumps(house, indent=1))}</textarea>
<button data-route="/valuations" data-body="house">Value this house</button>
<pre id="answer" aria-live="polite">The answer comes here.</pre>
<script>{_SCRIPT}</script></body></html>
"""
