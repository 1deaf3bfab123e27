"""The layout every figure of the house shares.

Backgrounds are transparent and text has no colour or font of its own: ``st.plotly_chart(theme="streamlit")``
gives both from the theme, light or dark. What is drawn takes its colours from :mod:`core.charts.palette`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import plotly.graph_objects as go

from core.charts.palette import GRID, TRANSPARENT

CONFIG: Final[Mapping[str, Any]] = {"displaylogo": False, "scrollZoom": False, "responsive": True}
"""For ``st.plotly_chart(figure, config=CONFIG)``."""

PRICE_TICKS: Final = "$~s"
"""``$100k``: d3's SI prefix without trailing zeros."""

_SURPLUS_BUTTONS: Final = ("zoom", "pan", "select", "lasso", "zoomin", "zoomout", "autoscale")

_TOP: Final = 64
_TOP_WITHOUT_SUBTITLE: Final = 44
_BOTTOM: Final = 56
_LEGEND: Final = 34


def framed(
    traces: Sequence[Any],
    *,
    title: str,
    subtitle: str = "",
    x_title: str,
    y_title: str,
    height: int = 420,
    legend: bool = False,
    zoomable: bool = False,
) -> go.Figure:
    """A figure in the house's layout.

    Args:
        traces: plotly traces.
        title: what the figure shows, short enough for a phone (about 40 characters).
        subtitle: what it was made from: how many rows, what was left out.
        x_title, y_title: with the unit in brackets; empty for an axis of names.
        height: in pixels.
        legend: whether to name the traces, in one line under the plot.
        zoomable: whether a drag zooms. Off by default, so that a finger scrolls the page.
    """
    heading: dict[str, Any] = {"text": title, "x": 0, "xanchor": "left", "yref": "container", "y": 1, "yanchor": "top"}
    heading["pad"] = {"t": 4, "l": 2}
    if subtitle:
        heading["subtitle"] = {"text": subtitle}
    return go.Figure(
        data=list(traces),
        layout=go.Layout(
            template="none",
            title=heading,
            height=height,
            margin={
                "l": 8,
                "r": 16,
                "t": _TOP if subtitle else _TOP_WITHOUT_SUBTITLE,
                "b": _BOTTOM + (_LEGEND if legend else 0),
                "pad": 4,
            },
            paper_bgcolor=TRANSPARENT,
            plot_bgcolor=TRANSPARENT,
            xaxis=_axis(x_title),
            yaxis=_axis(y_title),
            showlegend=legend,
            legend={
                "orientation": "h",
                "x": 0,
                "xanchor": "left",
                "yref": "container",
                "y": 0,
                "yanchor": "bottom",
                "bgcolor": TRANSPARENT,
                "itemsizing": "constant",
            },
            hovermode="closest",
            hoverlabel={"align": "left", "namelength": 0},
            dragmode="zoom" if zoomable else False,
            modebar={"remove": list(_SURPLUS_BUTTONS), "bgcolor": TRANSPARENT},
        ),
    )


def empty(reason: str, *, title: str, x_title: str, y_title: str, height: int = 420) -> go.Figure:
    """The same frame with nothing in it, and why, in its middle."""
    figure = framed([], title=title, x_title=x_title, y_title=y_title, height=height)
    figure.update_xaxes(showticklabels=False, showgrid=False, range=[0, 1])
    figure.update_yaxes(showticklabels=False, showgrid=False, range=[0, 1])
    figure.add_annotation(text=reason, xref="paper", yref="paper", x=0.5, y=0.5, showarrow=False)
    return figure


def _axis(title: str) -> dict[str, Any]:
    return {
        "title": {"text": title, "standoff": 12},
        "automargin": True,
        "showgrid": True,
        "gridcolor": GRID,
        "griddash": "solid",
        "zeroline": False,
        "ticks": "",
    }
