"""A price taken apart: from its starting point to the estimate, one step a group of features."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, Final

import plotly.graph_objects as go

from core.charts.frame import PRICE_TICKS, TEXT, empty, framed
from core.charts.palette import DIVERGING, NEUTRAL
from core.domain.money import dollar_change, dollars, percent, price_text
from core.domain.reasons import Reasons

LOWERS: Final = DIVERGING[0]
RAISES: Final = DIVERGING[-1]
"""The colours of what takes from a price and of what adds to it, on every chart of a house."""

_TITLE: Final = "Why this price"
_X_TITLE: Final = "Price (1990 $)"
_HEIGHT: Final = 390
_TEXT_ROOM: Final = 0.55
"""Air on either side as a share of the bars' span: a step's dollars stand beside it, on a phone too."""


def waterfall(reasons: Reasons) -> go.Figure:
    """The steps from the starting point down to the price: orange adds, blue takes away.

    The axis does not begin at zero, so the two prices are points and only the steps are bars.
    """
    steps = [part.dollars for part in reasons.parts]
    if not all(math.isfinite(amount) for amount in (reasons.base, *steps)):
        reason = "This price cannot be taken apart."
        return empty(reason, title=_TITLE, x_title=_X_TITLE, y_title="", height=_HEIGHT)
    reached = [reasons.base, *(reasons.base + total for total in itertools.accumulate(steps))]
    labels = ["Starting point", *(part.group.label for part in reasons.parts), "<b>Price</b>"]
    low, high = min(reached), max(reached)
    air = _TEXT_ROOM * max(high - low, 1.0)
    return framed(
        [_connectors(reached), _steps(reasons, reached), _ends(reasons, (low + high) / 2)],
        title=_TITLE,
        subtitle=f"orange adds, blue takes away; starting point: {reasons.base_text.rstrip('.')}",
        x_title=_X_TITLE,
        y_title="",
        height=_HEIGHT,
        x_axis={"range": [low - air, high + air], "tickformat": PRICE_TICKS, "nticks": 5},
        y_axis={
            "tickvals": list(range(len(labels))),
            "ticktext": labels,
            "range": [len(labels) - 0.4, -0.6],
            "showgrid": False,
        },
        checked=False,
    )


def _steps(reasons: Reasons, reached: Sequence[float]) -> dict[str, Any]:
    amounts = [part.dollars for part in reasons.parts]
    moved = sum(abs(amount) for amount in amounts)
    return {
        "type": "bar",
        "orientation": "h",
        "name": "steps",
        "x": amounts,
        "y": list(range(1, len(amounts) + 1)),
        "base": list(reached[:-1]),
        "width": 0.62,
        "marker": {"color": [LOWERS if amount < 0 else RAISES for amount in amounts]},
        "text": [dollar_change(amount) for amount in amounts],
        "textposition": "outside",
        "textfont": {"color": TEXT, "size": 13},
        "cliponaxis": False,
        "customdata": [
            f"<b>{part.group.label}</b> {_verb(part.dollars)}<br>"
            f"{percent(100 * abs(part.dollars) / moved if moved else 0.0, 0)} of all that moves this price"
            f"<br>{dollars(before)} → {dollars(after)}"
            for part, (before, after) in zip(reasons.parts, itertools.pairwise(reached), strict=True)
        ],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _connectors(reached: Sequence[float]) -> dict[str, Any]:
    x: list[float | None] = []
    y: list[float | None] = []
    for place, amount in enumerate(reached):
        x += [amount, amount, None]
        y += [place, place + 1, None]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "line": {"color": NEUTRAL, "width": 1, "dash": "dot"},
        "hoverinfo": "skip",
    }


def _ends(reasons: Reasons, middle: float) -> dict[str, Any]:
    last = len(reasons.parts) + 1
    ends = [reasons.base, reasons.price]
    return {
        "type": "scatter",
        "mode": "markers+text",
        "name": "prices",
        "x": ends,
        "y": [0, last],
        "marker": {"color": [NEUTRAL, TEXT], "size": [11, 13], "symbol": "diamond", "opacity": 1},
        "text": [f" {dollars(reasons.base)} ", f" <b>{price_text(reasons.price)}</b> "],
        # Into the chart: on a phone there is no room beyond its ends.
        "textposition": [f"middle {'left' if amount > middle else 'right'}" for amount in ends],
        "textfont": {"color": TEXT, "size": 13},
        "cliponaxis": False,
        "customdata": [
            f"{dollars(reasons.base)} before anything is known of this house",
            f"<b>{price_text(reasons.price)}</b>: {dollar_change(reasons.price - reasons.base)} from the start",
        ],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _verb(amount: float) -> str:
    if round(amount) == 0:
        return "changes nothing"
    return f"adds {dollars(amount)}" if amount > 0 else f"takes {dollars(-amount)} away"
