"""Where an estimate lies among the prices the survey recorded."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from core.charts.frame import PRICE_TICKS, empty, framed
from core.charts.palette import ACCENT, NEUTRAL
from core.domain.money import SURVEY_CAP, dollars, percent, price_text
from core.evaluation.figures import omission

_HEIGHT: Final = 280
_TITLE: Final = "Among the recorded prices"
_X_TITLE: Final = "Recorded median house value (1990 $)"
_Y_TITLE: Final = "Block groups"
_BAND: Final = 20_000.0


def price_position(price: float, actual_prices: npt.ArrayLike) -> go.Figure:
    """The recorded prices in bands of $20,000, with the estimate marked.

    Args:
        price: the estimate, 1990 USD; one that is no number is not marked, and the figure says so.
        actual_prices: recorded medians of the block groups, 1990 USD, any shape. What is no number is left
            out and counted.
    """
    given = np.asarray(actual_prices, dtype=np.float64).ravel()
    recorded = np.sort(given[np.isfinite(given)])
    if not recorded.size:
        return empty("No recorded prices.", title=_TITLE, x_title=_X_TITLE, y_title=_Y_TITLE, height=_HEIGHT)
    first = math.floor(recorded[0] / _BAND) * _BAND
    # The survey's capped rows stand one dollar past $500,000: this puts them in a band of their own.
    edges = np.arange(first, recorded[-1] + _BAND, _BAND)
    if edges[-1] <= recorded[-1]:
        edges = np.append(edges, edges[-1] + _BAND)
    counts, _ = np.histogram(recorded, edges)
    cheaper = 100 * np.searchsorted(recorded, edges[:-1], side="left") / recorded.size
    is_marked = math.isfinite(price)
    reached = edges[:-1] <= price if is_marked else np.zeros(counts.size, dtype=bool)
    bars = go.Bar(
        x=(edges[:-1] + edges[1:]) / 2,
        y=counts,
        width=_BAND * 0.92,
        marker={"color": NEUTRAL, "opacity": np.where(reached, 0.85, 0.4)},
        hovertext=[
            f"{_band_name(low)}: {count:,} block groups.<br>{percent(share)} of all block groups are cheaper."
            for low, count, share in zip(edges[:-1], counts, cheaper, strict=True)
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    below = 100 * np.searchsorted(recorded, price, side="left") / recorded.size if is_marked else math.nan
    said = f"above {percent(below, 0)} of {recorded.size:,} block groups" if is_marked else "no estimate to mark"
    cap = "last bar: the survey's cap" if recorded[-1] == SURVEY_CAP else ""
    figure = framed(
        [bars],
        title=_TITLE,
        subtitle="; ".join(part for part in (said, cap, omission(given.size - recorded.size)) if part),
        x_title=_X_TITLE,
        y_title=_Y_TITLE,
        height=_HEIGHT,
    )
    if is_marked:
        figure.add_vline(x=price, line={"color": ACCENT, "width": 3})
        middle = (edges[0] + edges[-1]) / 2
        figure.add_annotation(
            x=price,
            y=1,
            yref="y domain",
            text=f"<b>{price_text(price)}</b>",
            showarrow=False,
            xanchor="left" if price < middle else "right",
            xshift=6 if price < middle else -6,
            yanchor="top",
        )
    low, high = (min(edges[0], price), max(edges[-1], price)) if is_marked else (edges[0], edges[-1])
    air = 0.02 * (high - low)
    figure.update_xaxes(range=[low - air, high + air], tickformat=PRICE_TICKS, nticks=8, showgrid=False)
    # A fifth of the height stays free for the label, so it never lies on a bar.
    figure.update_yaxes(range=[0, 1.25 * counts.max()], tickformat=",", nticks=5)
    return figure


def _band_name(low: float) -> str:
    if low <= SURVEY_CAP < low + _BAND:
        return f"{dollars(low)} or more (the survey's cap)"
    return f"{dollars(low)} to {dollars(low + _BAND)}"
