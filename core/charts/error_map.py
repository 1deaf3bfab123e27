"""Where a model is wrong: residuals and differences on a map of our own points, so without tiles to fetch."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from core.charts.california import LATITUDE, LONGITUDE, cell_heat, dollar_scale, on_map
from core.charts.frame import empty, plain
from core.charts.lettering import note, shortened
from core.charts.palette import DIVERGING
from core.domain.money import dollar_change, dollars
from core.evaluation.figures import PairedPrices, omission, paired
from core.workflows.comparison_views import Comparison
from core.workflows.comparison_words import change_text

_HEIGHT: Final = 660
_CAP_AT: Final = 0.95
_SMALL, _LARGE = 3.5, 9.0
_NAME_WIDTH: Final = 44


def error_map(
    longitude: npt.ArrayLike,
    latitude: npt.ArrayLike,
    actual: npt.ArrayLike,
    predicted: npt.ArrayLike,
    *,
    name: str,
    row_ids: npt.ArrayLike | None = None,
) -> go.Figure:
    """Each held-out row at its place: blue where the estimate is too high, orange where it is too low.

    The colour is the residual (recorded − predicted) up to the one that 95 % of the rows stay below, and so is the
    size: larger is farther off. The largest lie on top.

    Args:
        longitude, latitude: degrees, shape (n,).
        actual, predicted: 1990 USD, shape (n,). Rows where any of the four is no number are left out and counted.
        name: the model, as a screen names it.
        row_ids: the rows' places in the data file, shape (n,), for the hover; else places in ``actual``.

    Raises:
        ValueError: the arrays are not one-dimensional or differ in length.
    """
    title = "Where it is wrong"
    prices, east, north = _placed(longitude, latitude, actual, predicted)
    if not prices.rows.size:
        reason = "; ".join(part for part in ("No held-out rows to draw", omission(prices.omitted)) if part)
        return empty(note(f"{reason}."), title=title, x_title=LONGITUDE, y_title=LATITUDE, height=_HEIGHT)
    ids = prices.rows if row_ids is None else np.asarray(row_ids)[prices.rows]
    top = _end(prices.residual)
    order = np.argsort(np.abs(prices.residual), kind="stable")
    residual = prices.residual[order]
    size = _SMALL + (_LARGE - _SMALL) * np.minimum(np.abs(residual) / top, 1.0)
    points = go.Scatter(
        x=east[order],
        y=north[order],
        mode="markers",
        name="block group",
        marker={
            "color": residual,
            "size": np.round(size, 1),
            "opacity": 0.8,
            "line": {"width": 0},
            **_colours(top, "Recorded − predicted (1990 $)"),
        },
        text=[
            f"Row {row}<br>Recorded {dollars(recorded)}<br>Predicted {dollars(estimate)}<br>"
            f"Residual {dollar_change(recorded - estimate)}, {_direction(recorded - estimate)}"
            for row, recorded, estimate in zip(
                ids[order].tolist(), prices.actual[order].tolist(), prices.predicted[order].tolist(), strict=True
            )
        ],
        customdata=ids[order],
        hovertemplate="%{text}<extra></extra>",
    )
    said = [f"{shortened(name, _NAME_WIDTH)}; {prices.rows.size:,} held-out block groups"]
    said += [omitted] if (omitted := omission(prices.omitted)) else []
    said += [f"blue: estimate too high, orange: too low; strongest from {dollars(top)} on"]
    return on_map([points], title=title, subtitle="; ".join(said), height=_HEIGHT)


def difference_map(comparison: Comparison, run_id: str) -> go.Figure:
    """By map cell, the run's RMSE minus the baseline's: blue where the run is better, orange where it is worse.

    Cells have no interval: those of few rows differ by chance. One of which either has no RMSE is left out.
    """
    title = "Difference on the map"
    cells, baseline = comparison.cells, comparison.baseline.run.run_id
    if cells is None or run_id not in cells.rmse or baseline not in cells.rmse:
        reason = comparison.where_missing or "There is no difference to the baseline to draw."
        return empty(note(reason), title=title, x_title=LONGITUDE, y_title=LATITUDE, height=_HEIGHT)
    difference = cells.rmse[run_id] - cells.rmse[baseline]
    known = np.flatnonzero(np.isfinite(difference))
    if not known.size:
        return empty(
            note("No part of the map has rows enough to compare."),
            title=title,
            x_title=LONGITUDE,
            y_title=LATITUDE,
            height=_HEIGHT,
        )
    words = [
        f"{count:,} rows<br>{plain(shortened(comparison.labels[run_id], _NAME_WIDTH))}: {dollars(one)}<br>"
        f"{plain(shortened(comparison.labels[baseline], _NAME_WIDTH))}: {dollars(other)}<br>"
        f"Difference {change_text('rmse', one - other)}"
        for count, one, other in zip(
            cells.rows[known].tolist(),
            cells.rmse[run_id][known].tolist(),
            cells.rmse[baseline][known].tolist(),
            strict=True,
        )
    ]
    scale = _colours(_end(difference[known]), "RMSE minus the baseline's (1990 $)")
    heat = cell_heat(cells.longitude[known], cells.latitude[known], cells.degrees, difference[known], words, scale)
    said = f"blue: {shortened(comparison.labels[run_id], _NAME_WIDTH)} is better, orange: worse"
    told = f"{said}; {known.size:,} cells, those of few rows differ by chance"
    return on_map([heat], title=title, subtitle=told, height=_HEIGHT)


def _placed(
    longitude: npt.ArrayLike, latitude: npt.ArrayLike, actual: npt.ArrayLike, predicted: npt.ArrayLike
) -> tuple[PairedPrices, npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    east, north = np.asarray(longitude, dtype=np.float64), np.asarray(latitude, dtype=np.float64)
    recorded = np.asarray(actual, dtype=np.float64)
    if not east.shape == north.shape == recorded.shape:
        raise ValueError(
            f"places have shapes {east.shape} and {north.shape}, prices {recorded.shape}; all must be (n,)."
        )
    # A row without a place counts like one without a price.
    prices = paired(np.where(np.isfinite(east) & np.isfinite(north), recorded, np.nan), predicted)
    return prices, east[prices.rows], north[prices.rows]


def _end(amounts: npt.NDArray[np.float64]) -> float:
    """Where the colours end: what 95 % of the amounts stay below, at least a dollar."""
    return max(float(np.quantile(np.abs(amounts), _CAP_AT)), 1.0)


def _colours(end: float, title: str) -> dict[str, Any]:
    return {
        "cmin": -end,
        "cmax": end,
        "colorscale": [[place / (len(DIVERGING) - 1), colour] for place, colour in enumerate(DIVERGING)],
        "colorbar": dollar_scale(title),
    }


def _direction(residual: float) -> str:
    return "as recorded" if residual == 0 else f"estimate too {'low' if residual > 0 else 'high'}"
