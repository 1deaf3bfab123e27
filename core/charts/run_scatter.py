"""Runs against each other: any column of the run table against any other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from core.charts.frame import framed
from core.charts.run_axis import Value
from core.charts.run_pairs import HEIGHT, beside, run_pairs
from core.charts.run_points import RunPoint, name_below, point_traces
from core.domain.run_query import Column
from core.domain.runs import Run


def scatter(runs: Sequence[Run], x: Column, y: Column, labels: Mapping[str, str] | None = None) -> go.Figure:
    """Each run at its two values. Columns of words are spread over evenly spaced places.

    Runs without one of the two, or where it is NaN or infinite, are left out and counted.

    Args:
        labels: see :func:`core.charts.run_points.point_traces`; None colours by family.
    """
    pairs = run_pairs(runs, x, y)
    across, up = pairs.across, pairs.up
    title = pairs.title("against")
    if not pairs.drawn:
        return pairs.nothing(title)
    right: Counter[Value] = Counter()
    above: Counter[Value] = Counter()
    points = [
        RunPoint(run, beside(across, one, right), beside(up, other, above), pairs.words(one, other))
        for run, one, other in pairs.drawn
    ]
    traces = point_traces(points, labels)
    figure = framed(
        traces,
        title=title,
        subtitle=pairs.said,
        x_title=across.title,
        y_title=up.title,
        height=HEIGHT,
        zoomable=True,
    )
    figure.update_xaxes(**across.layout)
    figure.update_yaxes(**up.layout)
    name_below(figure)
    return figure
