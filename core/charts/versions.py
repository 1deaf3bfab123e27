"""The versions of the price model, one after the other: how a metric went, and which of them serve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import plotly.graph_objects as go

from core.charts.frame import PRICE_TICKS, empty, framed, plain
from core.charts.lettering import counted, note
from core.charts.palette import ACCENT, NEUTRAL, family_colour, family_symbol
from core.domain.hyperparameters import family_label
from core.domain.metrics import Unit, figure_text, metric_of
from core.domain.runs import Alias
from core.workflows.version_timeline import VersionLine

_FEW_VERSIONS: Final = 10
_HEIGHT: Final = 340
_X_TITLE: Final = "Version"


def metric_by_version(lines: Sequence[VersionLine], metric: str) -> go.Figure:
    """Each version's figure by its number, coloured by family; who holds an alias is ringed and named.

    Versions without the figure are left out and counted. Those trained on datasets beside the configured file have
    open symbols: their figures are not comparable with the others.

    Args:
        metric: ``rmse``, ``mae``, ``r2_score`` or ``mape``.
    """
    known = metric_of(metric)
    title = f"{known.label} by version"
    points = [(one, figure) for one in lines if (figure := _figure(one, metric)) is not None]
    if not points:
        return empty(
            note("No version has a score."), title=title, x_title=_X_TITLE, y_title=known.title, height=_HEIGHT
        )
    missing = len(lines) - len(points)
    said = [counted(len(points), "version")] + ([f"{missing:,} without a score left out"] if missing else [])
    apart = sum(bool(one.data_name) for one, _ in points)
    said += [f"{apart:,} on datasets of their own (hollow)"] if apart else []
    families = sorted({one.family for one, _ in points})
    traces = [_dots([point for point in points if point[0].family == family], metric) for family in families]
    holders = [point for point in points if point[0].aliases]
    if holders:
        traces.append(_rings(holders))
    figure = framed(
        traces,
        title=title,
        subtitle="; ".join(said),
        x_title=_X_TITLE,
        y_title=known.title,
        height=_HEIGHT,
        legend=True,
    )
    numbers = [int(one.version) for one, _ in points]
    # Between neighbouring versions Plotly would put ticks of halves, and write them as whole numbers.
    ticks = {"nticks": 10} if max(numbers) - min(numbers) > _FEW_VERSIONS else {"dtick": 1}
    figure.update_xaxes(tickformat=",d", **ticks)
    if known.unit is Unit.DOLLARS:
        figure.update_yaxes(tickformat=PRICE_TICKS, nticks=6)
    return figure


def _dots(points: Sequence[tuple[VersionLine, float]], metric: str) -> go.Scatter:
    family = points[0][0].family
    return go.Scatter(
        x=[int(one.version) for one, _ in points],
        y=[figure for _, figure in points],
        mode="markers",
        name=plain(family_label(family) or "unknown family"),
        marker={
            "color": family_colour(family),
            "symbol": [f"{family_symbol(family)}{'-open' if one.data_name else ''}" for one, _ in points],
            "size": 9,
        },
        customdata=[
            f"<b>Version {one.version}</b>, {plain(one.family_label)}<br>"
            f"{metric_of(metric).label} {figure_text(metric, figure)}<br>{one.stage}, {one.created:%d %B %Y}{_on(one)}"
            for one, figure in points
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _on(line: VersionLine) -> str:
    return f"<br>on the dataset {plain(line.data_name)}: comparable with versions on it alone" if line.data_name else ""


def _rings(points: Sequence[tuple[VersionLine, float]]) -> go.Scatter:
    return go.Scatter(
        x=[int(one.version) for one, _ in points],
        y=[figure for _, figure in points],
        mode="markers+text",
        name="holds an alias",
        marker={
            "size": 19,
            "symbol": "circle-open",
            "line": {"width": 2.5},
            "color": [ACCENT if Alias.CHAMPION in one.aliases else NEUTRAL for one, _ in points],
        },
        text=[plain(", ".join(one.aliases)) for one, _ in points],
        textposition="top center",
        hoverinfo="skip",
    )


def _figure(line: VersionLine, metric: str) -> float | None:
    figure = line.scores.as_metrics().get(metric) if line.scores else None
    return figure if figure is not None and math.isfinite(figure) else None
