"""How a metric is spread over the values a param had."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Final

import plotly.graph_objects as go

from core.charts.frame import framed
from core.charts.palette import NEUTRAL, faded
from core.charts.run_axis import RunAxis, Value, named_places
from core.charts.run_pairs import HEIGHT, beside, run_pairs
from core.charts.run_points import RunPoint, name_below, point_traces
from core.domain.run_query import Column, ColumnKind
from core.domain.runs import Run

_FEWEST_FOR_A_BOX: Final = 5
_MOST_BOXES: Final = 12
_RANGES: Final = 6


def box_by_param(runs: Sequence[Run], param: str, metric: str, labels: Mapping[str, str] | None = None) -> go.Figure:
    """The metric's quartiles for each value of the param, every run a point on its box.

    A param of many numbers is cut into ranges of nearly equal count. A value with under five runs has its points
    alone: quartiles of so few say nothing. Runs without the one or the other are left out and counted.

    Args:
        labels: see :func:`core.charts.run_points.point_traces`; None colours by family.
    """
    pairs = run_pairs(runs, Column(ColumnKind.PARAM, param), Column(ColumnKind.METRIC, metric))
    title = pairs.title("by")
    if not pairs.drawn:
        return pairs.nothing(title)
    names, place_of = _boxes(pairs.across, [value for _, value, _ in pairs.figures])
    standing = RunAxis(pairs.across.column, pairs.across.title, (), tuple(names))
    scores: list[list[float]] = [[] for _ in names]
    taken: Counter[Value] = Counter()
    points = []
    for run, value, score in pairs.figures:
        place = place_of(value)
        scores[place].append(score)
        points.append(RunPoint(run, beside(standing, float(place), taken), score, pairs.words(value, score)))
    boxes = [_box(place, values) for place, values in enumerate(scores) if len(values) >= _FEWEST_FOR_A_BOX]
    traces = point_traces(points, labels, size=6)
    figure = framed(
        [*boxes, *traces],
        title=title,
        subtitle=f"{pairs.said}; a box, from {_FEWEST_FOR_A_BOX} runs on, holds their middle half",
        x_title=pairs.across.title.removesuffix(" (logarithmic)"),
        y_title=pairs.up.title,
        height=HEIGHT,
    )
    figure.update_xaxes(showgrid=False, **named_places(names))
    figure.update_yaxes(**pairs.up.layout)
    name_below(figure)
    return figure


def _boxes(across: RunAxis, values: Sequence[float]) -> tuple[list[str], Callable[[float], int]]:
    """The boxes' names from left to right, and which of them a value belongs to."""
    if across.names:
        return list(across.names), int
    ordered = sorted(values)
    distinct = sorted(set(ordered))
    if len(distinct) <= _MOST_BOXES:
        return [across.text(value) for value in distinct], distinct.index
    cuts = sorted({ordered[len(ordered) * part // _RANGES] for part in range(_RANGES)})
    ends = pairwise([f"{cut:,.3g}" for cut in (*cuts, ordered[-1])])
    names = [low if low == high else f"{low} to {high}" for low, high in ends]
    return names, lambda value: sum(value >= cut for cut in cuts[1:])


def _box(place: int, values: Sequence[float]) -> go.Box:
    return go.Box(
        x=[place] * len(values),
        y=list(values),
        boxpoints=False,
        width=0.7,
        line={"color": NEUTRAL, "width": 1.5},
        fillcolor=faded(NEUTRAL, 0.15),
        showlegend=False,
        hoverinfo="skip",
    )
