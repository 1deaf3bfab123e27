"""The layout every figure of the house shares.

Backgrounds are transparent and fonts come from ``st.plotly_chart(theme="streamlit")``. What is drawn takes its
colours from :mod:`core.charts.palette`, which read on light and dark alike. Text cannot: no colour has 4.5:1 on
both, so it takes :data:`TEXT`.
"""

from __future__ import annotations

import html
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Final

import plotly.graph_objects as go

from core.charts.palette import GRID, TRANSPARENT

CONFIG: Final[Mapping[str, Any]] = {"displaylogo": False, "scrollZoom": False, "responsive": True}
"""For ``st.plotly_chart(figure, config=CONFIG)``."""

Figure = go.Figure
"""What every chart function returns, for those who only pass it on."""

PRICE_TICKS: Final = "$~s"
"""``$100k``: d3's SI prefix without trailing zeros."""

TEXT: Final = "#000037"
"""Streamlit's stand-in for the theme's strongest text colour: its front end writes the theme's own in its place.

Its default for axes is a grey of 3.6:1 on the light background. Outside Streamlit this is nearly black. A test
compares it with the installed Streamlit.
"""

PAPER: Final = "#000038"
"""The same for the theme's background: for the rim of a mark that lies on other marks."""

_NO_TEMPLATE: Final = {"data": {"scatter": [{"type": "scatter"}]}}
"""Plotly's own template ``none``, which it spells out only where it checks."""

_SURPLUS_BUTTONS: Final = ("zoom", "pan", "select", "lasso", "zoomin", "zoomout", "autoscale")

_SUBTITLE_WIDTH: Final = 62
_TOP: Final = 45
_SUBTITLE_LINE: Final = 19
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
    x_axis: Mapping[str, Any] | None = None,
    y_axis: Mapping[str, Any] | None = None,
    margin: Mapping[str, Any] | None = None,
    checked: bool = True,
) -> go.Figure:
    """A figure in the house's layout.

    Args:
        traces: plotly traces.
        title: what the figure shows, in under 40 characters: a phone has room for no more.
        subtitle: what it was made from: which model, how many rows, what was left out. Broken into lines.
        x_title, y_title: with the unit in brackets; empty for an axis of names.
        height: in pixels.
        legend: whether to name the traces, in one line under the plot.
        zoomable: whether a drag zooms. Off by default, so that a finger scrolls the page.
        x_axis, y_axis, margin: what this figure has otherwise. Said here it costs a tenth of an update later.
        checked: whether Plotly looks at each property. It takes most of the time of a figure that is drawn at every
            move of a slider; a test has each of those checked instead.
    """
    subtitle_lines = textwrap.wrap(subtitle, _SUBTITLE_WIDTH)
    heading: dict[str, Any] = {
        "text": plain(title),
        "x": 0,
        "xanchor": "left",
        "yref": "container",
        "y": 1,
        "yanchor": "top",
    }
    heading["pad"] = {"t": 4, "l": 2}
    if subtitle:
        heading["subtitle"] = {
            "text": "<br>".join(plain(line) for line in subtitle_lines),
            "font": {"size": 13, "color": TEXT},
        }
    layout = {
        "template": _NO_TEMPLATE,
        "title": heading,
        "height": height,
        "font": {"color": TEXT},
        "margin": {
            "l": 8,
            "r": 16,
            "t": _TOP + _SUBTITLE_LINE * len(subtitle_lines),
            "b": _BOTTOM + (_LEGEND if legend else 0),
            "pad": 4,
            **(margin or {}),
        },
        "paper_bgcolor": TRANSPARENT,
        "plot_bgcolor": TRANSPARENT,
        "xaxis": _axis(x_title) | dict(x_axis or {}),
        "yaxis": _axis(y_title) | dict(y_axis or {}),
        "showlegend": legend,
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "yref": "container",
            "y": 0,
            "yanchor": "bottom",
            "bgcolor": TRANSPARENT,
            "itemsizing": "constant",
        },
        "hovermode": "closest",
        "hoverlabel": {"align": "left", "namelength": 0, "font": {"color": TEXT}},
        "dragmode": "zoom" if zoomable else False,
        "modebar": {"remove": list(_SURPLUS_BUTTONS), "bgcolor": TRANSPARENT},
    }
    return go.Figure({"data": list(traces), "layout": layout}, _validate=checked)


def empty(reason: str, *, title: str, x_title: str, y_title: str, height: int = 420) -> go.Figure:
    """The same frame with nothing in it, and why, in its middle."""
    figure = framed([], title=title, x_title=x_title, y_title=y_title, height=height)
    figure.update_xaxes(showticklabels=False, showgrid=False, range=[0, 1])
    figure.update_yaxes(showticklabels=False, showgrid=False, range=[0, 1])
    figure.add_annotation(text=reason, xref="paper", yref="paper", x=0.5, y=0.5, showarrow=False)
    return figure


def plain(text: str) -> str:
    """Text as plotly shows it letter by letter: ``<1H OCEAN`` is no tag."""
    return html.escape(text, quote=False)


def _axis(title: str) -> dict[str, Any]:
    return {
        "title": {"text": title, "standoff": 12, "font": {"color": TEXT}},
        "tickfont": {"color": TEXT},
        "automargin": True,
        "showgrid": True,
        "gridcolor": GRID,
        "griddash": "solid",
        "zeroline": False,
        "ticks": "",
    }
