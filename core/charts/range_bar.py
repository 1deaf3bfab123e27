"""A price with its 80 and 90 % range on a dollar axis, low enough to stand under the figures it draws."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import plotly.graph_objects as go

from core.charts.frame import TEXT, framed, plain
from core.charts.palette import ACCENT, CATEGORICAL, NEUTRAL
from core.domain.money import SURVEY_CAP, is_capped, percent, price_text
from core.domain.price_range import CoverageShare, PriceRange

INNER: Final = ACCENT
OUTER: Final = CATEGORICAL[3]
"""The 80 and the 90 % range, wherever both are drawn."""

HEIGHT: Final = 96
"""In pixels; whoever draws it later than what stands under it keeps so much room."""

_X_TITLE: Final = "1990 $"
_NO_RANGE: Final = "This version has no range."
_TOP: Final = 4
_BOTTOM: Final = 42
_STEP: Final = 100_000
_AIR: Final = 0.03


def range_bar(price: float, price_range: PriceRange | None) -> go.Figure:
    """The price on its two ranges; the survey's cap where it is near.

    It has no title and no dollars of its own: it stands under them.

    Args:
        price: 1990 USD. price_range: None where the version has none, which the figure then says.
    """
    both = (price_range.inner, price_range.outer) if price_range else ()
    rows = max(1, len(both))
    traces = [_ranges(price, price_range)] if price_range else []
    amounts = [price, *(end for one in both for end in (one.low, one.high))]
    figure = framed(
        [*traces, _price(price, price_range, rows=rows)],
        title="",
        x_title="",
        y_title="",
        height=HEIGHT,
        margin={"t": _TOP, "b": _BOTTOM},
        x_axis={**dollar_axis(amounts), "title": {"text": _X_TITLE, "standoff": 2, "font": {"color": TEXT}}},
        y_axis={
            "tickvals": [0, 1] if price_range else [],
            "ticktext": ["80 %", "90 %"] if price_range else [],
            "range": [rows - 0.4, -0.6],
            "showgrid": False,
        },
        checked=False,
    )
    if is_near_cap(amounts):
        mark_cap(figure)
    if price_range is None:
        figure.add_annotation(text=_NO_RANGE, x=0.5, y=0.8, xref="paper", yref="paper", showarrow=False)
    return figure


def dollar_axis(amounts: Sequence[float]) -> dict[str, Any]:
    """A horizontal axis from zero past the survey's cap, the same for every house, so that what moves is the price."""
    known = _known(amounts)
    low, high = min(0.0, *known), max(SURVEY_CAP, *known)
    values = range(0, round(SURVEY_CAP), _STEP)
    # Every second one is named: more would lie across one another on a phone.
    texts = [f"${value // 1000}k" if value % (2 * _STEP) == 0 else "" for value in values]
    return {
        "range": [low - _AIR * (high - low), high + _AIR * (high - low)],
        "tickvals": list(values),
        "ticktext": ["$0", *texts[1:-1], "cap" if is_near_cap(amounts) else texts[-1]],
        "tickangle": 0,
    }


def is_near_cap(amounts: Sequence[float]) -> bool:
    """Whether the largest of these amounts is one the survey would have cut off."""
    return is_capped(max(_known(amounts)))


def mark_cap(figure: go.Figure) -> None:
    """A dashed line at the survey's cap."""
    figure.add_vline(x=SURVEY_CAP, line={"color": NEUTRAL, "width": 1.5, "dash": "dash"})


def _known(amounts: Sequence[float]) -> list[float]:
    return [amount for amount in amounts if math.isfinite(amount)] or [0.0]


def range_words(price: float, price_range: PriceRange | None) -> str:
    """Price, ranges and how often such ranges held, as a hover tells them."""
    lines = [f"<b>{price_text(price)}</b>"]
    if price_range is None:
        return f"{lines[0]}<br>{_NO_RANGE}"
    lines += [
        f"80 % range {price_range.inner.text}",
        f"90 % range {price_range.outer.text}",
        "Held-out prices within the two:",
        *(_coverage(share) for share in (price_range.region, price_range.band, price_range.overall) if share),
    ]
    if price_range.widened > 1:
        lines.append(f"widened {price_range.widened:.2g} times: unlike the data")
    return "<br>".join(lines)


def _coverage(share: CoverageShare) -> str:
    held = f"{percent(100 * share.share_80, 0)} and {percent(100 * share.share_90, 0)}"
    return f"{held} of {plain(share.name)} ({share.rows:,} rows)"


def _ranges(price: float, price_range: PriceRange) -> dict[str, Any]:
    both = (price_range.inner, price_range.outer)
    return {
        "type": "bar",
        "orientation": "h",
        "name": "ranges",
        "y": [0, 1],
        "x": [one.width for one in both],
        "base": [one.low for one in both],
        "width": 0.5,
        "marker": {"color": [INNER, OUTER]},
        "customdata": [range_words(price, price_range)] * 2,
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _price(price: float, price_range: PriceRange | None, *, rows: int) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "price",
        "x": [price if math.isfinite(price) else None] * rows,
        "y": list(range(rows)),
        "marker": {"color": TEXT, "size": 11, "symbol": "diamond"},
        "customdata": [range_words(price, price_range)] * rows,
        "hovertemplate": "%{customdata}<extra></extra>",
    }
