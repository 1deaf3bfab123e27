"""Pictures of the rows of a data file: how each column is spread, and how the columns go together."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.charts.frame import PRICE_TICKS, empty, framed, plain
from core.charts.lettering import counted
from core.charts.palette import ACCENT, BAD, DIVERGING
from core.data.quality import column_rule
from core.data.summary import Correlations
from core.domain.house import TARGET
from core.domain.money import decimal, dollars, signed

_HEIGHT: Final = 420
_SQUARE: Final = 560
_BARS: Final = 50
_DRAWN_UP_TO: Final = 0.995
_LONG_TAIL: Final = 1.5
"""The share of the rows a picture goes up to where the others reach so many times as far: single huge block groups
would press all others into one bar."""


def distribution(rows: pd.DataFrame, name: str) -> go.Figure:
    """How many rows have what in one column; of numbers with the median.

    Args:
        rows: validated rows. name: one of the file's ten columns.
    """
    rule = column_rule(name)
    return _classes(rows, name) if not rule.is_numeric else _numbers(rows[name].dropna().to_numpy(dtype=float), name)


def correlation_heat(found: Correlations) -> go.Figure:
    """The coefficient of every pair of number columns: orange where both rise together, blue where one falls."""
    title = f"{found.method.value} correlation"
    labels = [column_rule(name).label for name in found.names]
    words = [
        [f"{across} and {up}<br>{_coefficient(value)}" for across, value in zip(labels, row, strict=True)]
        for up, row in zip(labels, found.values.tolist(), strict=True)
    ]
    last = len(DIVERGING) - 1
    heat = go.Heatmap(
        x=labels,
        y=labels,
        z=found.values,
        zmin=-1,
        zmax=1,
        # No relation is no colour, so that what stands out is what goes together.
        colorscale=[[0, DIVERGING[0]], [0.5, "rgba(122, 130, 138, 0.12)"], [1, DIVERGING[last]]],
        xgap=1,
        ygap=1,
        text=words,
        hovertemplate="%{text}<extra></extra>",
        colorbar={"thickness": 12, "tickformat": ".1f", "outlinewidth": 0, "nticks": 5},
    )
    said = "orange: both rise together; blue: one falls as the other rises"
    figure = framed([heat], title=title, subtitle=said, x_title="", y_title="", height=_SQUARE)
    figure.update_xaxes(tickangle=-45, showgrid=False)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure


def _numbers(values: np.ndarray, name: str) -> go.Figure:
    rule = column_rule(name)
    x_title = f"{rule.label} ({rule.unit})" if rule.unit else rule.label
    if not len(values):
        return empty("No row has a value.", title=rule.label, x_title=x_title, y_title="Rows", height=_HEIGHT)
    low, high = float(values.min()), _drawn_up_to(values)
    counts, edges = np.histogram(values, bins=_BARS, range=(low, high if high > low else low + 1.0))
    beyond = int((values > edges[-1]).sum())
    median = float(np.median(values))

    def written(value: float) -> str:
        return dollars(value) if name == TARGET else decimal(value, rule.shown_digits)

    trace = go.Bar(
        x=(edges[:-1] + edges[1:]) / 2,
        y=counts,
        width=np.diff(edges),
        marker={"color": ACCENT, "line": {"width": 0}},
        hovertext=[
            f"{written(start)} to {written(end)}<br>{counted(int(count), 'row')}"
            for start, end, count in zip(edges[:-1], edges[1:], counts, strict=True)
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    said = [counted(len(values), "row"), f"median {written(median)} (line)"]
    if beyond:
        said.append(f"{beyond:,} above {written(float(edges[-1]))} are not drawn")
    figure = framed(
        [trace], title=rule.label, subtitle="; ".join(said), x_title=x_title, y_title="Rows", height=_HEIGHT
    )
    figure.update_layout(bargap=0)
    figure.update_xaxes(nticks=8, showgrid=False, **({"tickformat": PRICE_TICKS} if name == TARGET else {}))
    figure.update_yaxes(tickformat=",d", nticks=6)
    figure.add_vline(x=median, line={"color": BAD, "width": 2})
    return figure


def _drawn_up_to(values: np.ndarray) -> float:
    """The highest value or, where a few lie far beyond all others, the one that most stay below."""
    low, most, high = (float(one) for one in np.quantile(values, [0.0, _DRAWN_UP_TO, 1.0]))
    return high if high - low <= _LONG_TAIL * (most - low) else most


def _classes(rows: pd.DataFrame, name: str) -> go.Figure:
    rule = column_rule(name)
    found = rows[name].value_counts()
    numbers = [int(found.get(choice, 0)) for choice in rule.choices]
    trace = go.Bar(
        x=[plain(choice) for choice in rule.choices],
        y=numbers,
        marker={"color": ACCENT, "line": {"width": 0}},
        hovertext=[
            f"{plain(choice)}<br>{counted(number, 'row')}" for choice, number in zip(rule.choices, numbers, strict=True)
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    figure = framed(
        [trace],
        title=rule.label,
        subtitle=counted(sum(numbers), "row"),
        x_title="",
        y_title="Rows",
        height=_HEIGHT,
    )
    figure.update_yaxes(tickformat=",d", nticks=6)
    figure.update_xaxes(showgrid=False)
    return figure


def _coefficient(value: float) -> str:
    return signed(value, 2) if np.isfinite(value) else "not known: one of them never changes"
