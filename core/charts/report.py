"""A comparison as one HTML file: it opens without internet, on light and dark screens, and on paper."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import plotly.graph_objects as go
from plotly.io import to_html
from plotly.offline import get_plotlyjs

from core.charts.comparison import difference_bars, settings_bars
from core.charts.comparison_rows import profile_dots, residuals_against, segment_bars
from core.charts.error_map import difference_map
from core.charts.report_style import FONTS, PRINTING, SIDEWAYS, STYLE
from core.charts.report_tables import (
    MANY_RUNS,
    disagreement_table,
    group_table,
    metric_table,
    param_table,
    profile_table,
    reason_table,
    run_table,
    segment_table,
    text,
)
from core.charts.run_lines import parallel_coordinates
from core.domain.money import MISSING, percent
from core.domain.provenance import DATA_SHA256_TAG, SPLIT_TAG
from core.domain.run_query import Column, ColumnKind
from core.evaluation.segments import FEWEST_ROWS
from core.evaluation.significance import RESAMPLES
from core.workflows.comparison_views import Comparison
from core.workflows.comparison_words import answer

# Nothing may be fetched: the browser itself refuses, whatever a name in the records would have it do.
_POLICY: Final = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
_CONFIG: Final[dict[str, Any]] = {"displayModeBar": False, "scrollZoom": False, "responsive": True}
_HEAD_ROOM: Final = 24


def comparison_report(comparison: Comparison, *, made: datetime, title: str = "Comparison of runs") -> str:
    """The whole comparison, its tables and its figures, as the text of one HTML file of some 5 MB.

    Args:
        made: when; written in UTC.
        title: the report's name, as people read it.
    """
    when = f"{made.astimezone(UTC):%d %B %Y %H:%M} UTC"
    parts = [
        f"<header><h1>{text(title)}</h1><p>Made on {when} by Housing Price Lab. All prices are 1990 US dollars. A row "
        "is a census block group of California, a few hundred households, and no single house.</p></header>",
        _section("What it says", _answer(comparison), reason_table(comparison)),
        _section("Scores", *_scores(comparison)),
        _section("Params", param_table(comparison), *_figure(_lines(comparison), "lines")),
        _section("Settings over seeds", *_figure(settings_bars(comparison), "settings"), group_table(comparison)),
        _section("Where they differ", *_where(comparison)),
        _section("Score profile", *_figure(profile_dots(comparison), "profile"), profile_table(comparison)),
        _section("How this was made", _method(comparison), run_table(comparison)),
    ]
    style = STYLE + (SIDEWAYS if len(comparison.runs) >= MANY_RUNS else "")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{text(title)}</title><style>{style}</style><script>{get_plotlyjs()}</script></head>"
        f"<body><main>{''.join(parts)}</main><script>{PRINTING}</script></body></html>\n"
    )


def _section(heading: str, *parts: str) -> str:
    return f"<section><h2>{text(heading)}</h2>{''.join(parts)}</section>" if any(parts) else ""


def _answer(comparison: Comparison) -> str:
    sentences = answer(comparison) or ("No run has a difference to the baseline.",)
    told = "".join(f"<li>{text(sentence)}</li>" for sentence in sentences)
    return f"<p>The baseline is {text(comparison.baseline.label)}.</p><ul>{told}</ul>"


def _scores(comparison: Comparison) -> list[str]:
    return [*_figure(difference_bars(comparison, "rmse"), "differences"), metric_table(comparison)]


def _lines(comparison: Comparison) -> go.Figure:
    columns = [Column(ColumnKind.PARAM, line.name) for line in comparison.params if line.differs]
    columns += [Column(ColumnKind.METRIC, name) for name in comparison.metrics[:1]]
    return parallel_coordinates([one.run for one in comparison.runs], columns, comparison.labels)


def _where(comparison: Comparison) -> list[str]:
    parts = [*_figure(segment_bars(comparison, "region"), "regions")]
    parts += _figure(segment_bars(comparison, "price band"), "bands")
    parts.append(segment_table(comparison))
    nearest = _lowest(comparison)
    if nearest is not None:
        label = text(comparison.labels[nearest])
        parts.append(f"<p>Map and residuals show {label}, of all runs beside the baseline the one of lowest RMSE.</p>")
        parts += _figure(difference_map(comparison, nearest), "map")
        parts += _figure(residuals_against(comparison, comparison.baseline.run.run_id, nearest), "residuals")
    return [*parts, disagreement_table(comparison)]


def _lowest(comparison: Comparison) -> str | None:
    if not comparison.others:
        return None
    return min(comparison.others, key=lambda one: one.differences["rmse"].delta).run.run_id


def _method(comparison: Comparison) -> str:
    tags, shared = comparison.baseline.run.tags, comparison.shared
    scored = f"{len(shared.row_ids):,} held-out rows" if shared is not None else MISSING
    lines = (
        ("Data", f"SHA-256 of the baseline's data file: {tags.get(DATA_SHA256_TAG, MISSING)}"),
        ("Split", f"{tags.get(SPLIT_TAG, MISSING)}; scored on {scored}"),
        (
            "Intervals",
            f"95 % intervals of a paired bootstrap: {RESAMPLES:,} resamples of the same held-out rows for every run, "
            "drawn with a fixed seed, so the same runs give the same figures. They hold for these fitted models. "
            f"Parts of under {FEWEST_ROWS:,} rows have none.",
        ),
        (
            "Verdicts",
            "Better or worse where the interval lies on one side of zero and the difference is at least "
            f"{percent(100 * comparison.margin)} of the baseline's figure, the practical margin; else no real "
            "difference. R² has the RMSE's word.",
        ),
        (
            "Settings",
            "A claim about settings needs seeds: their intervals hold the noise of the rows and of the seeds.",
        ),
        ("Capped rows", "The survey wrote every price above $500,000 as $500,001, so their true prices are unknown."),
    )
    return f"<dl>{''.join(f'<dt>{text(term)}</dt><dd>{text(said)}</dd>' for term, said in lines)}</dl>"


def _figure(figure: go.Figure, name: str) -> Sequence[str]:
    """The figure under its title in the page's own words; the reason alone where it is empty."""
    layout = figure.layout
    title, subtitle = _words(layout.title.text), _words(layout.title.subtitle.text)
    if not figure.data:
        reasons = "".join(f"<p>{text(_words(one.text))}</p>" for one in layout.annotations)
        return [f"<h3>{text(title)}</h3>{reasons}"]
    saved = layout.margin.t - _HEAD_ROOM
    drawn = go.Figure(figure)
    drawn.update_layout(title=None, margin_t=_HEAD_ROOM, height=layout.height - saved, font_family=FONTS)
    body = to_html(drawn, full_html=False, include_plotlyjs=False, config=_CONFIG, div_id=name)
    caption = f"<h3>{text(title)}</h3><p>{text(subtitle)}</p>"
    return [f"<figure><figcaption>{caption}</figcaption>{body}</figure>"]


def _words(drawn: str | None) -> str:
    """What plotly would show of its own kind of text."""
    return html.unescape((drawn or "").replace("<br>", " "))
