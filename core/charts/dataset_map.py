"""Every row of a data file on a map of our own points: its price, and on which side of a split it lies.

WebGL draws twenty thousand points at once; there are no tiles, so nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go

from core.charts.california import WHOLE_STATE, dollar_scale, on_map
from core.charts.lettering import counted
from core.charts.palette import ACCENT, BAD, CATEGORICAL, DIVERGING
from core.domain.house import TARGET
from core.domain.money import dollars

_HEIGHT: Final = 680
_SIZE: Final = 4
_ENDS: Final = (0.02, 0.98)
"""The colours end at these shares of the rows, so that single prices do not stretch them."""

_SYMBOLS: Final = ("circle", "square", "diamond", "triangle-up", "cross")
_PLACE: Final = "latitude %{y:.2f}, longitude %{x:.2f}<br>line %{customdata} of the file<extra></extra>"


def price_map(rows: pd.DataFrame) -> go.Figure:
    """Each row at its place in the colour of its recorded price: blue under the median, orange over it.

    Args:
        rows: validated rows, indexed by their place in the file.
    """
    prices = rows[TARGET].to_numpy(dtype=float)
    low, high = np.quantile(prices, _ENDS).tolist()
    middle = float(np.median(prices))
    share = (middle - low) / (high - low) if high > low else 0.5
    trace = _points(rows, np.arange(len(rows)), "block group")
    trace["marker"] |= {
        "color": prices.astype(np.float32),
        "cmin": low,
        "cmax": high,
        "colorscale": [[0.0, DIVERGING[0]], [share, DIVERGING[1]], [1.0, DIVERGING[2]]],
        "colorbar": dollar_scale("Recorded median house value (1990 $)"),
    }
    trace["hovertemplate"] = f"<b>Recorded %{{marker.color:$,.0f}}</b><br>{_PLACE}"
    said = f"{counted(len(rows), 'row')}; blue: under {dollars(middle)}, the median, orange: over"
    return _drawn([trace], title="Recorded prices", subtitle=said)


def random_split_map(rows: pd.DataFrame, is_held_out: npt.NDArray[np.bool_]) -> go.Figure:
    """Which rows are held out at random, over those models are fitted on.

    Args:
        is_held_out: shape (n,), in the order of ``rows``.
    """
    fitted, held = np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out)
    traces = [
        _in_one_colour(rows, fitted, f"fitted on: {len(fitted):,}", ACCENT, "circle"),
        _in_one_colour(rows, held, f"held out: {len(held):,}", BAD, "diamond"),
    ]
    said = "drawn at random, so most held-out rows have fitted neighbours"
    return _drawn(traces, title="Held-out rows", subtitle=said, legend=True)


def block_split_map(rows: pd.DataFrame, parts: Sequence[npt.NDArray[np.intp]], kilometres: float) -> go.Figure:
    """The parts of whole blocks of the map: each is scored once by a model fitted on all others.

    Args:
        parts: of each part the positions of its rows in ``rows``; together the rows models are fitted on.
        kilometres: the side of a block.
    """
    traces = [
        _in_one_colour(
            rows,
            part,
            f"part {number + 1}: {len(part):,}",
            CATEGORICAL[number % len(CATEGORICAL)],
            _SYMBOLS[number % len(_SYMBOLS)],
        )
        for number, part in enumerate(parts)
    ]
    said = f"blocks of {kilometres:g} km stay whole, so no row is scored beside a neighbour it was fitted on"
    return _drawn(traces, title="Parts made of whole blocks", subtitle=said, legend=True)


def _in_one_colour(
    rows: pd.DataFrame, positions: npt.NDArray[np.intp], name: str, colour: str, symbol: str
) -> dict[str, Any]:
    trace = _points(rows, positions, name)
    trace["marker"] |= {"color": colour, "symbol": symbol}
    return {**trace, "hovertemplate": f"<b>{name.partition(':')[0]}</b><br>{_PLACE}"}


def _points(rows: pd.DataFrame, positions: npt.NDArray[np.intp], name: str) -> dict[str, Any]:
    return {
        "type": "scattergl",
        "mode": "markers",
        "name": name,
        "x": rows["longitude"].to_numpy(dtype=np.float32)[positions],
        "y": rows["latitude"].to_numpy(dtype=np.float32)[positions],
        # Line 1 of the file is the header.
        "customdata": (positions + 2).astype(np.int32),
        "marker": {"size": _SIZE, "opacity": 0.8, "line": {"width": 0}},
    }


def _drawn(traces: list[dict[str, Any]], *, title: str, subtitle: str, legend: bool = False) -> go.Figure:
    figure = on_map(
        traces,
        title=title,
        subtitle=subtitle,
        height=_HEIGHT,
        window=WHOLE_STATE,
        scale=not legend,
        legend=legend,
    )
    figure.update_layout(uirevision=title)
    return figure
