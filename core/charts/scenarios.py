"""Saved houses side by side: each one's price with its ranges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import plotly.graph_objects as go

from core.charts.frame import TEXT, empty, framed, plain
from core.charts.lettering import note, shortened, wrapped
from core.charts.range_bar import INNER, OUTER, dollar_axis, is_near_cap, mark_cap, range_words
from core.domain.money import is_capped, price_text
from core.domain.scenarios import PricedScenario

MOST_COMPARED: Final = 5

_TITLE: Final = "Scenarios side by side"
_X_TITLE: Final = "Price (1990 $)"
_ROW: Final = 52
_AROUND: Final = 124


def scenario_prices(scenarios: Sequence[PricedScenario]) -> go.Figure:
    """A row for each scenario: its price, the 80 % range as a thick bar and the 90 % range as a thin one."""
    height = _AROUND + _ROW * max(2, len(scenarios))
    if not scenarios:
        reason = note("Choose up to five scenarios to see them side by side.")
        return empty(reason, title=_TITLE, x_title=_X_TITLE, y_title="", height=height)
    bare = sum(one.price_range is None for one in scenarios)
    said = ["thick: 80 % range, thin: 90 %"] if bare < len(scenarios) else []
    ranges = [one.price_range for one in scenarios if one.price_range]
    amounts = [*(one.price for one in scenarios), *(end for one in ranges for end in (one.outer.low, one.outer.high))]
    figure = framed(
        [_bars(scenarios, is_inner=False), _bars(scenarios, is_inner=True), _prices(scenarios)],
        title=_TITLE,
        subtitle="; ".join([*said, *([f"{bare} without a range"] if bare else [])]),
        x_title=_X_TITLE,
        y_title="",
        height=height,
        x_axis=dollar_axis(amounts),
        y_axis={
            "tickvals": list(range(len(scenarios))),
            "ticktext": [wrapped(one.name) for one in scenarios],
            "range": [len(scenarios) - 0.45, -0.65],
            "showgrid": False,
        },
    )
    figure.update_layout(barmode="overlay")
    if is_near_cap(amounts):
        mark_cap(figure)
    return figure


def _bars(scenarios: Sequence[PricedScenario], *, is_inner: bool) -> dict[str, Any]:
    there = [(place, one, one.price_range) for place, one in enumerate(scenarios) if one.price_range is not None]
    intervals = [found.inner if is_inner else found.outer for _, _, found in there]
    return {
        "type": "bar",
        "orientation": "h",
        "name": "80 % range" if is_inner else "90 % range",
        "y": [place for place, _, _ in there],
        "x": [one.width for one in intervals],
        "base": [one.low for one in intervals],
        "width": 0.34 if is_inner else 0.14,
        "marker": {"color": INNER if is_inner else OUTER},
        "customdata": [_words(one) for _, one, _ in there],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _prices(scenarios: Sequence[PricedScenario]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers+text",
        "name": "price",
        "x": [one.price for one in scenarios],
        "y": list(range(len(scenarios))),
        "marker": {"color": TEXT, "size": 11, "symbol": "diamond"},
        "text": [f"<b>{price_text(one.price)}</b>" for one in scenarios],
        "textposition": ["top left" if is_capped(one.price) else "top center" for one in scenarios],
        "textfont": {"color": TEXT, "size": 13},
        "cliponaxis": False,
        "customdata": [_words(one) for one in scenarios],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _words(one: PricedScenario) -> str:
    return f"<b>{plain(shortened(one.name, 60))}</b><br>{range_words(one.price, one.price_range)}"
