"""How the price moves with a feature: one curve, or all of them as small multiples of one scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from core.charts.frame import PRICE_TICKS, TEXT, empty, framed, plain
from core.charts.lettering import note
from core.charts.palette import ACCENT, NEUTRAL, faded
from core.domain.house import FEATURES
from core.domain.money import decimal, dollar_change, dollars, percent, price_text
from core.explanation.sensitivity import Curve, Floats

_HEIGHT: Final = 300
_PANEL: Final = 200
_PANEL_GAP: Final = 76
_ALL_TITLE: Final = "What moves the price"
_Y_TITLE: Final = "Price (1990 $)"
_LEGEND: Final = "shaded: 90 % range; bars: where block groups are; dot: this house"
_BARS: Final = 0.2
"""The part of the height the bars may fill; the curve lies above it."""

_SMALLEST_SPAN: Final = 20_000.0
"""Dollars an axis shows at least: a curve that does not move must look flat."""


def curve(one: Curve) -> go.Figure:
    """The price along one feature with its 90 % range, this house, and the share of block groups near each value."""
    low, high = _span([one])
    figure = framed(
        _traces(one, "", low, high),
        title=FEATURES[one.feature].label,
        subtitle=_said([one]),
        x_title=_x_title(one, " "),
        y_title=_Y_TITLE,
        height=_HEIGHT,
    )
    figure.update_layout(hovermode="x", bargap=0)
    figure.update_xaxes(**_x_axis(one))
    figure.update_yaxes(range=[low, high], tickformat=PRICE_TICKS, nticks=5)
    return figure


def curves(
    all_curves: Sequence[Curve], *, columns: int = 4, beside: Sequence[Curve] = (), title: str = _ALL_TITLE
) -> go.Figure:
    """A small chart for each curve, all over one scale of dollars: what matters is what is steep.

    Args:
        columns: charts side by side: four on a desk, two on a phone.
        beside: curves of another picture that this one shares its scale with.
        title: what these curves have in common.
    """
    if not all_curves:
        return empty(note("No feature was moved."), title=title, x_title="", y_title=_Y_TITLE, height=_HEIGHT)
    low, high = _span([*all_curves, *beside])
    rows = math.ceil(len(all_curves) / columns)
    figure = framed([], title=title, subtitle=_said(all_curves), x_title="", y_title="")
    layout = figure.layout.to_plotly_json()
    plot = rows * _PANEL + (rows - 1) * _PANEL_GAP
    layout["margin"]["b"] = _PANEL_GAP
    layout |= {"height": plot + layout["margin"]["t"] + _PANEL_GAP, "hovermode": "x", "bargap": 0}
    own = {"x": layout.pop("xaxis"), "y": layout.pop("yaxis")}
    traces: list[dict[str, Any]] = []
    for place, one in enumerate(all_curves):
        number = "" if place == 0 else str(place + 1)
        row, column = divmod(place, columns)
        top = 1 - row * (_PANEL + _PANEL_GAP) / plot
        left = column / columns
        layout[f"xaxis{number}"] = {
            **own["x"],
            **_x_axis(one),
            "title": {**own["x"]["title"], "text": _x_title(one, "<br>"), "standoff": 4, "font": _small()},
            "tickfont": _small(),
            "domain": [left + (0.016 if column else 0), left + 1 / columns - 0.016],
            "anchor": f"y{number}",
        }
        layout[f"yaxis{number}"] = {
            **own["y"],
            "range": [low, high],
            "tickformat": PRICE_TICKS,
            "nticks": 6,
            "tickfont": _small(),
            "showticklabels": column == 0,
            "title": {**own["y"]["title"], "text": _Y_TITLE if column == 0 else "", "font": _small()},
            "domain": [max(0.0, top - _PANEL / plot), top],
            "anchor": f"x{number}",
        }
        traces += _traces(one, number, low, high)
    # Eight charts have forty axes' worth of properties: checking each of them takes longer than pricing the curves.
    return go.Figure({"data": traces, "layout": layout}, _validate=False)


def _traces(one: Curve, axis: str, low: float, high: float) -> list[dict[str, Any]]:
    on = {"xaxis": f"x{axis}", "yaxis": f"y{axis}", "showlegend": False}
    values, prices = one.values, one.prices
    edges = step_edges(values)
    # Steps differ in width, so it is the area of a bar that says how many block groups there are.
    dense = one.shares / np.diff(edges)
    tallest = float(dense.max(initial=0.0)) or 1.0
    traces: list[dict[str, Any]] = [
        {
            "type": "bar",
            "x": ((edges[:-1] + edges[1:]) / 2).tolist(),
            "y": (dense / tallest * _BARS * (high - low)).tolist(),
            "base": low,
            "width": (0.92 * np.diff(edges)).tolist(),
            "marker": {"color": faded(NEUTRAL, 0.45), "line": {"width": 0}},
            "hoverinfo": "skip",
            **on,
        }
    ]
    if one.low is not None and one.high is not None:
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": [*values.tolist(), *values[::-1].tolist()],
                "y": [*one.low.tolist(), *one.high[::-1].tolist()],
                "fill": "toself",
                "fillcolor": faded(ACCENT, 0.22),
                "line": {"width": 0},
                "hoverinfo": "skip",
                **on,
            }
        )
    traces.append(
        {
            "type": "scatter",
            "mode": "lines",
            "x": values.tolist(),
            "y": prices.tolist(),
            "line": {"color": ACCENT, "width": 2.5},
            "customdata": _hovers(one),
            "hovertemplate": "%{customdata}<extra></extra>",
            **on,
        }
    )
    if one.here is not None:
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": [one.here],
                "y": [one.here_price],
                "marker": {"color": TEXT, "size": 10},
                "hoverinfo": "skip",
                **on,
            }
        )
    return traces


def _hovers(one: Curve) -> list[str]:
    feature = FEATURES[one.feature]
    digits = feature.shown_digits
    lows: list[float | None] = [None] * len(one.values) if one.low is None else one.low.tolist()
    highs: list[float | None] = [None] * len(one.values) if one.high is None else one.high.tolist()
    told = zip(one.values.tolist(), one.prices.tolist(), lows, highs, one.shares.tolist(), strict=True)
    return [
        f"<b>{feature.label} {decimal(value, digits)}</b>"
        f"<br>{price_text(price)} ({dollar_change(price - one.here_price)})"
        + (f"<br>90 %: {dollars(low)} to {dollars(high)}" if low is not None else "")
        + f"<br>{_share_text(share)} of block groups near"
        for value, price, low, high, share in told
    ]


def _share_text(share: float) -> str:
    return "none" if share == 0 else "under 0.1 %" if share < 0.001 else percent(100 * share)


def _said(all_curves: Sequence[Curve]) -> str:
    notes = dict.fromkeys(one.note.rstrip(".") for one in all_curves if one.note)
    is_missing = any(one.here is None for one in all_curves)
    return "; ".join([_LEGEND, *notes, *(["bedrooms are not given, so they have no dot"] if is_missing else [])])


def _span(all_curves: Sequence[Curve]) -> tuple[float, float]:
    """What the dollar axis shows: every curve and range, and room for the bars below them."""
    known = [part for one in all_curves for part in (one.prices, one.low, one.high) if part is not None]
    low = min((float(np.nanmin(part)) for part in known if part.size), default=0.0)
    high = max((float(np.nanmax(part)) for part in known if part.size), default=0.0)
    missing = max(0.0, _SMALLEST_SPAN - (high - low)) / 2
    low, high = low - missing, high + missing
    span = (high - low) / (0.92 - _BARS)
    return high + 0.05 * span - span, high + 0.05 * span


def step_edges(values: Floats) -> Floats:
    """The borders of the steps around ascending values, halfway between them; one more than there are values."""
    if len(values) < 2:
        return np.array([values[0] - 0.5, values[0] + 0.5])
    middle = (values[:-1] + values[1:]) / 2
    return np.concatenate([[2 * values[0] - middle[0]], middle, [2 * values[-1] - middle[-1]]])


def _x_title(one: Curve, between: str) -> str:
    feature = FEATURES[one.feature]
    return f"{plain(feature.label)}{between}({plain(feature.unit)})"


def _x_axis(one: Curve) -> dict[str, Any]:
    large = float(np.abs(one.values).max(initial=0.0)) >= 10_000
    return {"nticks": 5, "tickformat": "~s" if large else ",~g", "showgrid": False}


def _small() -> dict[str, Any]:
    return {"color": TEXT, "size": 11}
