"""How well a model fits: predicted against recorded prices, and what is left over."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from core.charts.frame import PRICE_TICKS, empty, framed
from core.charts.palette import ACCENT, BAD, NEUTRAL, faded
from core.domain.money import SURVEY_CAP, dollar_change, dollars, percent
from core.evaluation.figures import Floats, PairedPrices, omission, paired, price_range, residual_band

_HEIGHT: Final = 460
_RECORDED: Final = "Recorded value (1990 $)"
_PREDICTED: Final = "Predicted value (1990 $)"
_RESIDUAL: Final = "Recorded − predicted (1990 $)"
_NO_ROWS: Final = "No held-out rows to draw yet."

# The points are SVG, not WebGL: as fast to first paint at this count, drawn under the trend and not over it,
# and there on machines without a graphics card.


def fit_plot(
    actual: npt.ArrayLike,
    predicted: npt.ArrayLike,
    *,
    name: str,
    row_ids: npt.ArrayLike | None = None,
    colour: str = ACCENT,
) -> go.Figure:
    """Predicted against recorded prices on axes of one scale, with the line a perfect model would lie on.

    Args:
        actual, predicted: 1990 USD, shape (n,). Rows where either is no number are left out and counted.
        name: the model, as a screen names it.
        row_ids: the rows' places in the data file, shape (n,), for the hover; else places in ``actual``.
        colour: of the points, usually the family's.

    Raises:
        ValueError: the arrays are not one-dimensional or differ in length.
    """
    prices = paired(actual, predicted)
    title = "Predicted and recorded"
    if not prices.rows.size:
        return empty(_said(_NO_ROWS, prices), title=title, x_title=_RECORDED, y_title=_PREDICTED, height=_HEIGHT)
    low, high = price_range(prices)
    line = go.Scatter(
        x=[low, high],
        y=[low, high],
        mode="lines",
        name="perfect estimate",
        line={"color": BAD, "width": 2},
        hoverinfo="skip",
    )
    points = _points(
        prices,
        x=prices.actual,
        y=prices.predicted,
        texts=_errors(prices),
        row_ids=row_ids,
        colour=colour,
        hover="Recorded %{x:$,.0f}<br>Predicted %{y:$,.0f}<br>Error %{text}",
    )
    figure = framed(
        [points, line],
        title=title,
        subtitle=_said(f"{name}; {prices.rows.size:,} held-out block groups", prices),
        x_title=_RECORDED,
        y_title=_PREDICTED,
        height=_HEIGHT,
        legend=True,
        zoomable=True,
    )
    figure.update_xaxes(range=[low, high], tickformat=PRICE_TICKS, nticks=8, constrain="domain", constraintoward="left")
    figure.update_yaxes(
        range=[low, high],
        tickformat=PRICE_TICKS,
        nticks=8,
        scaleanchor="x",
        scaleratio=1,
        constrain="domain",
        constraintoward="top",
    )
    figure.add_vline(x=SURVEY_CAP, line={"color": NEUTRAL, "width": 1, "dash": "dot"})
    figure.add_annotation(
        x=SURVEY_CAP, y=0, yref="y domain", text="survey cap", showarrow=False, xanchor="right", yanchor="bottom"
    )
    return figure


def residual_plot(
    actual: npt.ArrayLike,
    predicted: npt.ArrayLike,
    *,
    name: str,
    row_ids: npt.ArrayLike | None = None,
    colour: str = ACCENT,
) -> go.Figure:
    """Residuals (recorded − predicted) along the predicted price, with their median and middle 80 %.

    Takes and raises the same as :func:`fit_plot`. The trend is drawn in up to 20 bins of equal count and
    left out under 20 rows.
    """
    prices = paired(actual, predicted)
    title = "Residuals"
    if not prices.rows.size:
        return empty(_said(_NO_ROWS, prices), title=title, x_title=_PREDICTED, y_title=_RESIDUAL, height=_HEIGHT)
    points = _points(
        prices,
        x=prices.predicted,
        y=prices.residual,
        texts=_residuals(prices),
        row_ids=row_ids,
        colour=colour,
        hover="Predicted %{x:$,.0f}<br>%{text}",
    )
    figure = framed(
        [points, *_trend(prices)],
        title=title,
        subtitle=_said(f"{name}; {prices.rows.size:,} held-out block groups; below zero: estimate too high", prices),
        x_title=_PREDICTED,
        y_title=_RESIDUAL,
        height=_HEIGHT,
        legend=True,
        zoomable=True,
    )
    figure.update_xaxes(tickformat=PRICE_TICKS, nticks=8)
    figure.update_yaxes(tickformat=PRICE_TICKS, nticks=8)
    figure.add_hline(y=0, line={"color": NEUTRAL, "width": 1.5})
    return figure


def _points(
    prices: PairedPrices,
    *,
    x: Floats,
    y: Floats,
    texts: list[str],
    row_ids: npt.ArrayLike | None,
    colour: str,
    hover: str,
) -> go.Scatter:
    ids = prices.rows if row_ids is None else np.asarray(row_ids)[prices.rows]
    return go.Scatter(
        x=x,
        y=y,
        mode="markers",
        name="block group",
        marker={"color": colour, "size": 4, "opacity": 0.45},
        text=texts,
        customdata=ids,
        hovertemplate=f"Row %{{customdata}}<br>{hover}<extra></extra>",
    )


def _trend(prices: PairedPrices) -> list[go.Scatter]:
    band = residual_band(prices)
    if not band.median.size:
        return []
    return [
        go.Scatter(
            x=np.concatenate([band.predicted, band.predicted[::-1]]),
            y=np.concatenate([band.low, band.high[::-1]]),
            mode="lines",
            name="middle 80 %",
            line={"width": 0},
            fill="toself",
            fillcolor=faded(BAD, 0.22),
            hoverinfo="skip",
        ),
        go.Scatter(
            x=band.predicted,
            y=band.median,
            mode="lines",
            name="median",
            line={"color": BAD, "width": 2.5},
            text=[
                f"median residual {dollar_change(middle)},<br>80 % between {dollars(low)} and {dollars(high)}"
                for low, middle, high in zip(band.low, band.median, band.high, strict=True)
            ],
            hovertemplate="Around %{x:$,.0f}: %{text}<extra></extra>",
        ),
    ]


def _errors(prices: PairedPrices) -> list[str]:
    """``−$6,967 (3.3 % too low)`` for each row."""
    return [
        f"{dollar_change(-residual)}{_direction(residual, actual)}"
        for residual, actual in zip(prices.residual.tolist(), prices.actual.tolist(), strict=True)
    ]


def _residuals(prices: PairedPrices) -> list[str]:
    """``Recorded $214,000<br>Residual +$6,967 (3.3 % too low)`` for each row."""
    return [
        f"Recorded {dollars(actual)}<br>Residual {dollar_change(residual)}{_direction(residual, actual)}"
        for residual, actual in zip(prices.residual.tolist(), prices.actual.tolist(), strict=True)
    ]


def _direction(residual: float, actual: float) -> str:
    """How far off the prediction is, in percent of the recorded price; empty where that is zero."""
    if actual == 0 or residual == 0:
        return ""
    return f" ({percent(abs(100 * residual / actual))} too {'low' if residual > 0 else 'high'})"


def _said(text: str, prices: PairedPrices) -> str:
    return "; ".join(part for part in (text, omission(prices.omitted)) if part)
