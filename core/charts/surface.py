"""The price over two features at once."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from core.charts.california import dollar_scale
from core.charts.curves import step_edges
from core.charts.frame import PAPER, TEXT, empty, framed, plain
from core.charts.lettering import note
from core.charts.palette import DIVERGING
from core.domain.house import FEATURES
from core.domain.money import CAP_NEARNESS, SURVEY_CAP, dollar_change, price_text
from core.explanation.sensitivity import Surface

_HEIGHT: Final = 520
_TITLE: Final = "Price over two features"
_SCALE_ROOM: Final = 74
_SCALE_TITLE: Final = "Price (1990 $)"
_RARE: Final = "<br>no block group is near"
_CAPPED: Final = "<br>near the survey's cap: this or more"


def surface(found: Surface) -> go.Figure:
    """A heat map around this house: blue is cheaper than it, orange dearer; hatched where no block group is near.

    What cannot go together (more bedrooms than rooms) is left out.
    """
    x_title, y_title = _axis_title(found.x), _axis_title(found.y)
    known = np.isfinite(found.prices)
    if not known.any():
        reason = note("None of these values go together.")
        return empty(reason, title=_TITLE, x_title=x_title, y_title=y_title, height=_HEIGHT)
    here = _price_here(found)
    is_placed = all(map(math.isfinite, found.here))
    said = ["star: this house", "blue: cheaper, orange: dearer"] if is_placed else ["blue: cheap, orange: dear"]
    said.append("hatched: no block group near")
    figure = framed(
        [_heat(found, here), _hatching(found, known), *([_house(found, here)] if is_placed else [])],
        title=_TITLE,
        subtitle="; ".join([*said, *([found.note.rstrip(".")] if found.note else [])]),
        x_title=x_title,
        y_title=y_title,
        height=_HEIGHT,
    )
    figure.update_layout(margin_b=figure.layout.margin.b + _SCALE_ROOM)
    for axis, values in ((figure.update_xaxes, found.x_values), (figure.update_yaxes, found.y_values)):
        edges = step_edges(values)
        axis(range=[edges[0], edges[-1]], nticks=7, showgrid=False, tickformat=",~g")
    return figure


def _heat(found: Surface, here: float) -> dict[str, Any]:
    low, high = float(np.nanmin(found.prices)), float(np.nanmax(found.prices))
    low, high = min(low, here - 1.0), max(high, here + 1.0)
    middle = (here - low) / (high - low)
    return {
        "type": "heatmap",
        "x": found.x_values.tolist(),
        "y": found.y_values.tolist(),
        "z": found.prices,
        "zmin": low,
        "zmax": high,
        "colorscale": [[0.0, DIVERGING[0]], [middle, DIVERGING[1]], [1.0, DIVERGING[2]]],
        "colorbar": {**dollar_scale(_SCALE_TITLE), "ypad": 62},
        "hoverongaps": False,
        # Written here: plotly's own formats put a hyphen before what is less.
        "text": _changes(found.prices - here)
        + np.where(found.prices >= CAP_NEARNESS * SURVEY_CAP, _CAPPED, "")
        + np.where(found.is_rare, _RARE, ""),
        "hovertemplate": (
            "<b>%{z:$,.0f}</b> %{text}"
            f"<br>{_value_text(found.x, 'x')}<br>{_value_text(found.y, 'y')}<extra></extra>"
        ),
    }


def _changes(differences: npt.NDArray[np.float64]) -> npt.NDArray[np.str_]:
    """``(−$350)`` for each."""
    return np.array([[f"({dollar_change(one)})" for one in row] for row in differences.tolist()])


def _value_text(name: str, axis: str) -> str:
    return f"{FEATURES[name].label} %{{{axis}:,.{FEATURES[name].shown_digits}f}}"


def _hatching(found: Surface, known: np.ndarray) -> dict[str, Any]:
    """A diagonal through each cell that is rare: plotly hatches bars, not cells."""
    x_edges, y_edges = step_edges(found.x_values), step_edges(found.y_values)
    rows, columns = np.nonzero(found.is_rare & known)
    gap = np.full(len(rows), np.nan)
    return {
        "type": "scatter",
        "mode": "lines",
        "x": np.column_stack([x_edges[columns], x_edges[columns + 1], gap]).ravel(),
        "y": np.column_stack([y_edges[rows], y_edges[rows + 1], gap]).ravel(),
        "line": {"color": PAPER, "width": 1.5},
        "opacity": 0.8,
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _house(found: Surface, here: float) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [found.here[0]],
        "y": [found.here[1]],
        "marker": {"symbol": "star", "size": 18, "color": TEXT, "line": {"color": PAPER, "width": 1.5}},
        "customdata": [f"<b>This house</b>, about {price_text(here)}"],
        "hovertemplate": "%{customdata}<extra></extra>",
        "showlegend": False,
    }


def _price_here(found: Surface) -> float:
    """The price at the known cell nearest to the house; the middle one of all where the house has no place."""
    if not all(map(math.isfinite, found.here)):
        return float(np.nanmedian(found.prices))
    x_step, y_step = (max(float(np.ptp(values)), 1e-9) for values in (found.x_values, found.y_values))
    across = ((found.x_values - found.here[0]) / x_step) ** 2
    up = ((found.y_values - found.here[1]) / y_step) ** 2
    distance = np.where(np.isfinite(found.prices), up[:, None] + across[None, :], np.inf)
    return float(found.prices.ravel()[distance.argmin()])


def _axis_title(name: str) -> str:
    return f"{plain(FEATURES[name].label)} ({plain(FEATURES[name].unit)})"
