"""Comparable areas beside an estimate: what the survey recorded there, and how the gap is explained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import plotly.graph_objects as go

from core.charts.frame import PRICE_TICKS, TEXT, empty, framed
from core.charts.lettering import note
from core.charts.palette import ACCENT, CATEGORICAL, NEUTRAL, faded
from core.charts.range_bar import mark_cap
from core.domain.feature_groups import FeatureGroup
from core.domain.money import dollar_change, dollars, is_capped, price_text
from core.domain.price_range import PriceRange
from core.explanation.comparables import Comparable

_PRICES_TITLE: Final = "Recorded in comparable areas"
_GAPS_TITLE: Final = "Why they differ from this house"
_PRICES_X: Final = "Median house value (1990 $)"
_GAPS_X: Final = "Difference to this house (1990 $)"
_ROW: Final = 34
_AROUND: Final = 126
_LEGEND_ROOM: Final = 64
_LEGEND_WIDTH: Final = 0.49
"""Of the plot's width: two names stand side by side on a phone, in four lines."""

_NONE: Final = "No comparable areas are chosen."
_GROUP_COLOURS: Final = dict(zip(FeatureGroup, CATEGORICAL, strict=False))
_LEFT_OVER: Final = "Not explained"


def comparable_prices(comparables: Sequence[Comparable], price: float, price_range: PriceRange | None) -> go.Figure:
    """Each area's recorded median as a dot; the estimate as a line with its 90 % range behind it.

    The areas have the numbers they have on the map: 1 is most like the house. A hollow mark is the model's estimate.
    """
    height = _AROUND + _ROW * max(3, len(comparables))
    if not comparables:
        return empty(note(_NONE), title=_PRICES_TITLE, x_title=_PRICES_X, y_title="", height=height)
    ends = [price, *(one.recorded for one in comparables), *(one.estimate for one in comparables)]
    ends += [price_range.outer.low, price_range.outer.high] if price_range else []
    is_near = is_capped(max(ends))
    said = ["dot: recorded, ring: estimated there", f"line: this house, {price_text(price)}"]
    figure = framed(
        [_estimated(comparables), _recorded(comparables, price)],
        title=_PRICES_TITLE,
        subtitle="; ".join(
            [*said, *(["shaded: its 90 % range"] if price_range else []), *(["dashed: the cap"] if is_near else [])]
        ),
        x_title=_PRICES_X,
        y_title="",
        height=height,
    )
    if price_range is not None:
        outer = price_range.outer
        figure.add_vrect(x0=outer.low, x1=outer.high, fillcolor=faded(ACCENT, 0.16), line_width=0, layer="below")
    figure.add_vline(x=price, line={"color": ACCENT, "width": 2.5})
    air = 0.08 * max(max(ends) - min(ends), 1.0)
    figure.update_xaxes(range=[min(ends) - air, max(ends) + air], tickformat=PRICE_TICKS, nticks=6)
    if is_near:
        mark_cap(figure)
    _rows(figure, comparables)
    return figure


def comparable_gaps(comparables: Sequence[Comparable]) -> go.Figure:
    """From each area's recorded median to this house's price: what each group of features is worth by the model.

    Bars to the right say why the house is dearer, to the left why it is cheaper; the grey part is what the model
    got wrong there, so no feature explains it.
    """
    height = _AROUND + 34 + _LEGEND_ROOM + _ROW * max(3, len(comparables))
    if not comparables:
        return empty(note(_NONE), title=_GAPS_TITLE, x_title=_GAPS_X, y_title="", height=height)
    traces = [
        _gap_bars(comparables, group.label, [_worth(one, group) for one in comparables], _GROUP_COLOURS[group])
        for group in FeatureGroup
    ]
    traces.append(_gap_bars(comparables, _LEFT_OVER, [-one.left_over for one in comparables], NEUTRAL))
    figure = framed(
        traces,
        title=_GAPS_TITLE,
        subtitle="right: this house is dearer for it, left: cheaper; diamond: the whole difference",
        x_title=_GAPS_X,
        y_title="",
        height=height,
        legend=True,
    )
    figure.add_trace(_whole_gaps(comparables))
    figure.update_layout(
        barmode="relative",
        margin_b=figure.layout.margin.b + _LEGEND_ROOM,
        legend={
            "xref": "container",
            "entrywidth": _LEGEND_WIDTH,
            "entrywidthmode": "fraction",
            "maxheight": _LEGEND_ROOM + 40,
            "font": {"size": 11},
        },
    )
    figure.add_vline(x=0, line={"color": NEUTRAL, "width": 1.5})
    figure.update_xaxes(tickformat=PRICE_TICKS, nticks=5)
    _rows(figure, comparables)
    return figure


def _recorded(comparables: Sequence[Comparable], price: float) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "recorded",
        "x": [one.recorded for one in comparables],
        "y": list(range(len(comparables))),
        "marker": {"color": TEXT, "size": 11},
        "customdata": [_words(one, price) for one in comparables],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _estimated(comparables: Sequence[Comparable]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "estimated",
        "x": [one.estimate for one in comparables],
        "y": list(range(len(comparables))),
        "marker": {"color": TEXT, "size": 11, "symbol": "circle-open", "line": {"width": 2}},
        "hoverinfo": "skip",
    }


def _words(one: Comparable, price: float) -> str:
    seen = "held out: the model never saw it" if one.is_held_out else "the model was fitted on it"
    house = one.house
    return (
        f"<b>Row {one.row_id:,}</b>, {one.kilometres:,.1f} km away<br>Recorded {price_text(one.recorded)}<br>"
        f"Estimated {price_text(one.estimate)}; {seen}<br>This house: {dollar_change(price - one.recorded)}<br>"
        f"Income {house.median_income:,.1f}, age {house.housing_median_age:,.0f}, "
        f"{house.total_rooms / house.households:,.1f} rooms a household"
    )


def _worth(one: Comparable, group: FeatureGroup) -> float:
    return sum(move.dollars for move in one.moves if move.group is group)


def _gap_bars(comparables: Sequence[Comparable], name: str, amounts: list[float], colour: str) -> dict[str, Any]:
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "x": amounts,
        "y": list(range(len(comparables))),
        "width": 0.62,
        "marker": {"color": colour},
        "customdata": [
            f"<b>{name}</b> {dollar_change(amount)}<br>from row {one.row_id:,}, recorded {dollars(one.recorded)}"
            for one, amount in zip(comparables, amounts, strict=True)
        ],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _whole_gaps(comparables: Sequence[Comparable]) -> dict[str, Any]:
    gaps = [sum(move.dollars for move in one.moves) - one.left_over for one in comparables]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "Whole difference",
        "x": gaps,
        "y": list(range(len(comparables))),
        "marker": {"color": TEXT, "size": 9, "symbol": "diamond"},
        "customdata": [
            f"This house is priced {dollar_change(gap)}<br>against row {one.row_id:,}"
            for one, gap in zip(comparables, gaps, strict=True)
        ],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _rows(figure: go.Figure, comparables: Sequence[Comparable]) -> None:
    figure.update_yaxes(
        tickvals=list(range(len(comparables))),
        ticktext=[f"<b>{place}</b>  {one.kilometres:,.1f} km" for place, one in enumerate(comparables, start=1)],
        range=[len(comparables) - 0.4, -0.6],
        showgrid=False,
    )
