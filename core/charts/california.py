"""The frame of every map: California's outline from our own points, so without tiles to fetch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from core.charts.frame import PRICE_TICKS, framed
from core.charts.palette import NEUTRAL
from core.domain.geography import BAY, CATALINA, MAINLAND, Point

LONGITUDE: Final = "Longitude (degrees)"
LATITUDE: Final = "Latitude (degrees)"
WHOLE_STATE: Final = ((-124.8, -113.8), (32.2, 42.3))
"""West and east, south and north, in degrees."""

_MIDDLE: Final = 37.3
_BELOW_THE_AXIS: Final = 58
_SCALE_ROOM: Final = 70


def on_map(
    traces: Sequence[Any],
    *,
    title: str,
    subtitle: str,
    height: int,
    window: tuple[tuple[float, float], tuple[float, float]] = WHOLE_STATE,
    scale: bool = True,
    legend: bool = False,
) -> go.Figure:
    """Traces over longitude and latitude with the shores below them; a mile is as long in both directions.

    Args:
        window: west and east, south and north, in degrees. scale: whether a colour scale needs room below.
        title, subtitle, height, legend: as ``frame.framed`` takes them.
    """
    figure = framed(
        [*traces, *(_shore(line) for line in (MAINLAND, BAY, CATALINA))],
        title=title,
        subtitle=subtitle,
        x_title=LONGITUDE,
        y_title=LATITUDE,
        height=height,
        legend=legend,
        zoomable=True,
    )
    if scale:
        figure.update_layout(margin_b=figure.layout.margin.b + _SCALE_ROOM)
    figure.update_xaxes(range=list(window[0]), nticks=6, constrain="domain", constraintoward="left")
    figure.update_yaxes(
        range=list(window[1]),
        nticks=6,
        scaleanchor="x",
        scaleratio=1 / math.cos(math.radians(_MIDDLE)),
        constrain="domain",
        constraintoward="top",
    )
    return figure


def dollar_scale(title: str) -> dict[str, Any]:
    """A colour scale of dollars under a map, as plotly's ``colorbar`` takes it."""
    return {
        "orientation": "h",
        "title": {"text": title, "side": "top"},
        "thickness": 12,
        "len": 1,
        "x": 0,
        "xanchor": "left",
        "y": 0,
        "yanchor": "top",
        "ypad": _BELOW_THE_AXIS,
        "tickformat": PRICE_TICKS,
        "nticks": 5,
        "outlinewidth": 0,
    }


def cell_heat(
    longitude: npt.NDArray[np.float64],
    latitude: npt.NDArray[np.float64],
    degrees: float,
    figures: npt.NDArray[np.float64],
    words: Sequence[str],
    colours: Mapping[str, Any],
) -> go.Heatmap:
    """Cells of ``degrees`` by ``degrees`` in the colour of their figure, their words in the hover.

    Args:
        longitude, latitude: the cells' centres in degrees, at least one. figures, words: one each.
        colours: ``cmin``, ``cmax``, ``colorscale`` and ``colorbar``, as a plotly marker takes them.
    """
    columns = np.round((longitude - longitude.min()) / degrees).astype(int)
    rows = np.round((latitude - latitude.min()) / degrees).astype(int)
    grid = np.full((rows.max() + 1, columns.max() + 1), np.nan)
    grid[rows, columns] = figures
    told = np.full(grid.shape, "", dtype=object)
    told[rows, columns] = words
    return go.Heatmap(
        x=longitude.min() + degrees * np.arange(grid.shape[1]),
        y=latitude.min() + degrees * np.arange(grid.shape[0]),
        z=grid,
        zmin=colours["cmin"],
        zmax=colours["cmax"],
        colorscale=colours["colorscale"],
        colorbar=colours["colorbar"],
        xgap=1,
        ygap=1,
        text=told,
        hoverongaps=False,
        hovertemplate="%{text}<extra></extra>",
    )


def _shore(line: tuple[Point, ...]) -> go.Scatter:
    return go.Scatter(
        x=[east for east, _ in line],
        y=[north for _, north in line],
        mode="lines",
        line={"color": NEUTRAL, "width": 1},
        hoverinfo="skip",
        showlegend=False,
    )
