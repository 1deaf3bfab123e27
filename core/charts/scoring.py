"""Pictures of a priced file: how its prices are spread, and how its houses lie beside the training rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import plotly.graph_objects as go

from core.charts.frame import PRICE_TICKS, empty, framed, plain
from core.charts.palette import ACCENT, BAD, NEUTRAL, faded
from core.domain.house import FEATURES
from core.domain.money import SURVEY_CAP, dollars, percent
from core.domain.scoring import FeatureShift, PriceBar

_HEIGHT: Final = 360
_PRICES: Final = "Estimated prices"
_PRICE_TITLE: Final = "Estimated median value (1990 $)"
_NEAR_CAP: Final = 0.9


def price_distribution(bars: Sequence[PriceBar], *, median: float | None) -> go.Figure:
    """How many rows were priced where, with the median and, where prices come near it, the survey's cap.

    Args:
        bars: of equal width, from low to high. median: 1990 USD.
    """
    if not bars or median is None:
        return empty("No row was priced.", title=_PRICES, x_title=_PRICE_TITLE, y_title="Rows", height=_HEIGHT)
    trace = go.Bar(
        x=[(bar.low + bar.high) / 2 for bar in bars],
        y=[bar.rows for bar in bars],
        width=[max(bar.high - bar.low, 1.0) for bar in bars],
        marker={"color": ACCENT, "line": {"width": 0}},
        hovertext=[f"{dollars(bar.low)} to {dollars(bar.high)}<br>{_rows(bar.rows)}" for bar in bars],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    figure = framed(
        [trace],
        title=_PRICES,
        subtitle=f"{_rows(sum(bar.rows for bar in bars))}, median {dollars(median)}",
        x_title=_PRICE_TITLE,
        y_title="Rows",
        height=_HEIGHT,
    )
    figure.update_layout(bargap=0)
    figure.update_xaxes(tickformat=PRICE_TICKS, nticks=8, showgrid=False)
    figure.update_yaxes(tickformat=",d", nticks=6)
    figure.add_vline(x=median, line={"color": BAD, "width": 2})
    if bars[-1].high >= _NEAR_CAP * SURVEY_CAP:
        figure.add_vline(x=SURVEY_CAP, line={"color": NEUTRAL, "width": 1, "dash": "dot"})
        figure.add_annotation(
            x=SURVEY_CAP, y=1, yref="y domain", text="survey cap", showarrow=False, xanchor="right", yanchor="bottom"
        )
    return figure


def feature_shift(shift: FeatureShift, *, here: str = "this file") -> go.Figure:
    """One feature beside the training rows: the share of rows in each step of it.

    Args:
        here: what was compared, as the legend names it.
    """
    feature = FEATURES[shift.feature]
    title, x_title = feature.label, f"{feature.label} ({feature.unit})" if feature.unit else feature.label
    if not shift.steps:
        return empty("It could not be compared.", title=title, x_title=x_title, y_title="Share of rows", height=_HEIGHT)
    names = [plain(step.step) for step in shift.steps]
    places = list(range(len(names)))
    traces = [
        go.Bar(
            x=places,
            y=[100 * getattr(step, which) for step in shift.steps],
            name=name,
            marker={"color": colour, "line": {"width": 0}},
            hovertext=[
                f"{step_name}<br>{name}: {percent(100 * getattr(step, which))}"
                for step_name, step in zip(names, shift.steps, strict=True)
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        )
        for which, name, colour in (
            ("known", "training rows", faded(NEUTRAL, 0.7)),
            ("here", here, ACCENT),
        )
    ]
    figure = framed(traces, title=title, x_title=x_title, y_title="Share of rows (%)", height=_HEIGHT, legend=True)
    figure.update_layout(barmode="group", bargap=0.25, bargroupgap=0.05)
    figure.update_xaxes(tickvals=places, ticktext=names, showgrid=False)
    figure.update_yaxes(rangemode="tozero", nticks=5)
    return figure


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number:,} rows"
