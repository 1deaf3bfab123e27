"""Ratio studies drawn: the estimate's share of the recorded price by value, and on the map."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from core.charts.california import LATITUDE, LONGITUDE, cell_heat, dollar_scale, on_map
from core.charts.frame import empty, framed
from core.charts.lettering import note
from core.charts.palette import ACCENT, DIVERGING, NEUTRAL, faded
from core.domain.money import dollars, percent
from core.evaluation.fairness import LEVEL_REACH, Fairness

_HEIGHT: Final = 440
_MAP_HEIGHT: Final = 660
_END_AT: Final = 0.95
_RATIO: Final = "Median ratio, estimate / recorded"
_PAD: Final = 0.03


def ratio_bands(fairness: Fairness, *, colour: str = ACCENT) -> go.Figure:
    """The median ratio of each tenth by value, with the band round the whole's level that assessors allow."""
    title, x_title = "Estimate beside recorded price, by value", "Tenth of the block groups, cheapest first"
    bands, level = fairness.bands, fairness.study.median
    if not bands:
        reason = "Too few held-out rows to part by value."
        return empty(note(reason), title=title, x_title=x_title, y_title=_RATIO, height=_HEIGHT)
    low, high = level * (1 - LEVEL_REACH), level * (1 + LEVEL_REACH)
    trace = go.Scatter(
        x=list(range(1, len(bands) + 1)),
        y=[band.median for band in bands],
        mode="lines+markers",
        name="median ratio",
        marker={"color": colour, "size": 11},
        line={"color": colour, "width": 2},
        customdata=[
            f"{dollars(band.low)} to {dollars(band.high)}<br>{band.rows:,} rows<br>Median ratio {band.median:.3f}"
            f"<br>Spread of ratios (COD) {percent(band.cod)}"
            for band in bands
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )
    reach = percent(100 * LEVEL_REACH, 0)
    figure = framed(
        [trace],
        title=title,
        subtitle=f"shaded: within {reach} of the level of all, {level:.3f}; line at 1: as recorded",
        x_title=x_title,
        y_title=_RATIO,
        height=_HEIGHT,
        legend=False,
    )
    figure.add_hrect(y0=low, y1=high, fillcolor=faded(NEUTRAL, 0.2), line_width=0, layer="below")
    figure.add_hline(y=1.0, line={"color": NEUTRAL, "width": 1.5})
    drawn = [low, high, 1.0, *(band.median for band in bands)]
    figure.update_yaxes(range=[min(drawn) - _PAD, max(drawn) + _PAD], tickformat=".2f")
    figure.update_xaxes(
        tickvals=list(range(1, len(bands) + 1)),
        ticktext=[f"≤ ${band.high / 1000:,.0f}k" for band in bands],
        tickangle=-45,
    )
    return figure


def ratio_map(fairness: Fairness, reason: str = "") -> go.Figure:
    """The median ratio of each map cell: blue where estimates are too high, orange where they are too low.

    Args:
        reason: why there is no map, where there is none.
    """
    title, cells = "Estimate beside recorded price, on the map", fairness.cells
    if cells is None:
        return empty(
            note(reason or "No part of the map has rows enough."),
            title=title,
            x_title=LONGITUDE,
            y_title=LATITUDE,
            height=_MAP_HEIGHT,
        )
    words = [
        f"{count:,} rows<br>Median recorded {dollars(price)}<br>Median ratio {ratio:.3f}"
        for count, price, ratio in zip(cells.rows.tolist(), cells.price.tolist(), cells.median.tolist(), strict=True)
    ]
    heat = cell_heat(cells.longitude, cells.latitude, cells.degrees, cells.median, words, _colours(cells.median))
    said = f"blue: estimates too high, orange: too low; {len(cells.rows):,} cells, those of few rows differ by chance"
    return on_map([heat], title=title, subtitle=said, height=_MAP_HEIGHT)


def _colours(ratios: np.ndarray) -> dict[str, Any]:
    """Round 1, as far on either side as 95 % of the cells go."""
    end = max(float(np.quantile(np.abs(ratios - 1.0), _END_AT)), 0.01)
    last = len(DIVERGING) - 1
    return {
        "cmin": 1.0 - end,
        "cmax": 1.0 + end,
        # Blue is too high, as on the error map.
        "colorscale": [[place / last, colour] for place, colour in enumerate(reversed(DIVERGING))],
        "colorbar": {**dollar_scale(_RATIO), "tickformat": ".2f"},
    }
