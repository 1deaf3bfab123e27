"""How a metric went while a run was trained: step curves of one run or several."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import plotly.graph_objects as go

from core.charts.frame import PRICE_TICKS, empty, framed, plain
from core.charts.lettering import counted, note, short_labels, shortened
from core.charts.palette import run_marks
from core.charts.run_points import LEGEND_WIDTH, name_below
from core.domain.metrics import Unit, figure_text, metric_of

_HEIGHT: Final = 400
_X_TITLE: Final = "Step"
_MOST_MARKED: Final = 30
_MOST_DRAWN: Final = 1_000


def step_curves(curves: Mapping[str, Sequence[tuple[int, float]]], metric: str, labels: Mapping[str, str]) -> go.Figure:
    """One curve a run of one metric over its steps; broken where a value is NaN or infinite, which is counted.

    A curve of over 1,000 steps is drawn by every so many of them, its last one always.

    Args:
        curves: (step, value) in any order, by run id.
        metric: its name as the runs logged it.
        labels: how each run is called, by id, all compared runs and always in one order: then every run has the
            mark it has in the other charts.
    """
    known = metric_of(metric)
    title, y_title = f"{shortened(known.label, 24)} by step", plain(shortened(known.title, 34))
    marks, short = run_marks(labels), short_labels(labels, LEGEND_WIDTH)
    drawn = {
        run_id: sorted(curves[run_id], key=lambda point: point[0])
        for run_id in labels
        if any(math.isfinite(value) for _, value in curves.get(run_id, ()))
    }
    if not drawn:
        reason = f"No run logged {known.label} step by step."
        return empty(note(reason), title=title, x_title=_X_TITLE, y_title=y_title, height=_HEIGHT)
    broken = sum(not math.isfinite(value) for points in drawn.values() for _, value in points)
    without = len(labels) - len(drawn)
    said = [counted(len(drawn), "run")]
    said += [f"{without:,} without steps left out"] if without else []
    said += [f"{counted(broken, 'step')} without a number left out"] if broken else []
    traces = []
    for run_id, points in drawn.items():
        mark, shown = marks[run_id], _thinned(points)
        traces.append(
            go.Scatter(
                x=[step for step, _ in shown],
                y=[value if math.isfinite(value) else None for _, value in shown],
                mode="lines+markers" if len(shown) <= _MOST_MARKED else "lines",
                name=plain(short[run_id]),
                line={"color": mark.colour, "width": 2, "dash": mark.dash},
                marker={"color": mark.colour, "size": 6, "symbol": mark.symbol},
                connectgaps=False,
                customdata=[
                    f"<b>{plain(shortened(labels[run_id], 60))}</b><br>step {step:,}: {figure_text(metric, value)}"
                    for step, value in shown
                ],
                hovertemplate="%{customdata}<extra></extra>",
            )
        )
    figure = framed(
        traces,
        title=title,
        subtitle="; ".join(said),
        x_title=_X_TITLE,
        y_title=y_title,
        height=_HEIGHT,
        zoomable=True,
    )
    figure.update_xaxes(nticks=8, tickformat=",d")
    figure.update_yaxes(nticks=6, tickformat=PRICE_TICKS if known.unit is Unit.DOLLARS else "")
    name_below(figure)
    return figure


def _thinned(points: Sequence[tuple[int, float]]) -> Sequence[tuple[int, float]]:
    every = math.ceil(len(points) / _MOST_DRAWN)
    return points if every == 1 else [*points[:-1:every], points[-1]]
