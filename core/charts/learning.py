"""How a model learns: its error on held-out rows while trees are grown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import plotly.graph_objects as go

from core.charts.frame import PRICE_TICKS, empty, framed, plain
from core.charts.palette import ACCENT, NEUTRAL
from core.domain.money import dollars

_HEIGHT: Final = 340
_Y_TITLE: Final = "RMSE on held-out rows (1990 $)"
_STEP: Final = 10_000.0


def learning_curve(
    points: Sequence[tuple[int, float]],
    *,
    unit: str,
    total: int,
    reference: float | None = None,
    reference_name: str = "champion",
    colour: str = ACCENT,
) -> go.Figure:
    """RMSE on the held-out rows against how much has been grown so far.

    The horizontal axis ends at ``total`` from the first point on and the vertical one moves in steps of
    $10,000, so the curve grows without the picture jumping.

    Args:
        points: (count so far, RMSE in 1990 USD) in any order; values that are no number are passed over.
        unit: what is counted, ``trees`` or ``iterations``.
        total: how many there will be.
        reference: an RMSE to beat, drawn as a dashed line; None for none.
        reference_name: whose it is.
        colour: of the curve, usually the family's.
    """
    known = sorted((count, rmse) for count, rmse in points if math.isfinite(rmse))
    title, x_title = "Learning curve", f"Grown so far ({unit})"
    end = max([total, *(count for count, _ in known)])
    if not known:
        figure = empty("The first score comes with the first step.", title=title, x_title=x_title, y_title=_Y_TITLE)
        figure.update_layout(height=_HEIGHT)
        return figure
    counts, scores = [count for count, _ in known], [rmse for _, rmse in known]
    curve = go.Scatter(
        x=counts,
        y=scores,
        mode="lines+markers" if len(known) <= 2 else "lines",
        line={"color": colour, "width": 2.5},
        marker={"size": 6},
        cliponaxis=False,
        name="this run",
        hovertemplate=f"After %{{x:,}} {unit}: RMSE %{{y:$,.0f}}<extra></extra>",
    )
    latest = go.Scatter(
        x=counts[-1:],
        y=scores[-1:],
        mode="markers",
        marker={"color": colour, "size": 9},
        name="latest",
        cliponaxis=False,
        hoverinfo="skip",
    )
    figure = framed(
        [curve, latest],
        title=title,
        subtitle=f"{dollars(scores[-1])} after {counts[-1]:,} of {end:,} {unit}",
        x_title=x_title,
        y_title=_Y_TITLE,
        height=_HEIGHT,
    )
    has_reference = reference is not None and math.isfinite(reference)
    if reference is not None and has_reference:
        figure.add_hline(y=reference, line={"color": NEUTRAL, "width": 1.5, "dash": "dash"})
        figure.add_annotation(
            x=1,
            xref="x domain",
            y=reference,
            text=f"{plain(reference_name)} {dollars(reference)}",
            showarrow=False,
            xanchor="right",
            # On the side of the line where the curve does not end.
            yanchor="bottom" if scores[-1] < reference else "top",
        )
    figure.update_xaxes(range=[0, end * 1.01], nticks=8)
    figure.update_yaxes(
        range=_steady_range([*scores, reference] if reference is not None and has_reference else scores),
        tickformat=PRICE_TICKS,
        nticks=6,
    )
    figure.update_layout(hovermode="x", uirevision="learning curve")
    return figure


def _steady_range(scores: Sequence[float]) -> list[float]:
    """From one whole step below the lowest score to one above the highest."""
    low = math.floor(min(scores) / _STEP) * _STEP
    high = math.ceil(max(scores) / _STEP) * _STEP
    return [max(0.0, low - _STEP), max(high, low + _STEP) + _STEP / 2]
