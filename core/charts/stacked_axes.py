"""Parallel coordinates whose axes lie one below the other: so their names can be read on a phone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import plotly.graph_objects as go

from core.charts.frame import framed

X_TITLE: Final = "Lowest to highest value"

_ROW: Final = 52
_AROUND: Final = 130


@dataclass(frozen=True, slots=True)
class Line:
    """One thing over all axes: its place on each from 0 (left) to 1, None for a gap; and its hover, for plotly."""

    places: tuple[float | None, ...]
    hover: str


def line_trace(
    lines: Sequence[Line],
    *,
    name: str,
    colour: str,
    width: float,
    marker_colour: str | None = None,
    symbol: str = "circle",
    dash: str = "solid",
) -> go.Scatter:
    """Many lines in one trace, a gap between each and the next: hundreds of traces would be slow to draw."""
    x: list[float | None] = []
    y: list[int | None] = []
    hovers: list[str | None] = []
    for line in lines:
        x += [*line.places, None]
        y += [*range(len(line.places)), None]
        hovers += [line.hover] * len(line.places) + [None]
    return go.Scatter(
        x=x,
        y=y,
        mode="lines+markers",
        name=name,
        line={"color": colour, "width": width, "dash": dash},
        marker={"color": marker_colour or colour, "size": 4 + width, "symbol": symbol},
        connectgaps=False,
        cliponaxis=False,
        customdata=hovers,
        hovertemplate="%{customdata}<extra></extra>",
    )


def stacked(traces: Sequence[go.Scatter], labels: Sequence[str], *, title: str, subtitle: str) -> go.Figure:
    """The axes under each other, the first on top, each with its label for plotly at its left."""
    figure = framed(
        traces, title=title, subtitle=subtitle, x_title=X_TITLE, y_title="", height=stacked_height(len(labels))
    )
    figure.update_xaxes(range=[-0.03, 1.03], showticklabels=False, showgrid=False)
    figure.update_yaxes(tickvals=list(range(len(labels))), ticktext=list(labels), range=[len(labels) - 0.7, -0.3])
    return figure


def stacked_height(rows: int) -> int:
    """The figure's height in pixels for so many axes."""
    return _AROUND + _ROW * rows


def share(value: float, low: float, high: float) -> float:
    """How far the value lies from ``low`` (0) to ``high`` (1); 0 where the two are one."""
    # In halves: the ends may lie farther apart than the largest number.
    return (value / 2 - low / 2) / (high / 2 - low / 2) if high > low else 0.0
