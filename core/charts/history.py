"""How the runs got better: RMSE over time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import plotly.graph_objects as go

from core.charts.frame import PRICE_TICKS, empty, framed, plain
from core.charts.palette import NEUTRAL, family_colour, family_symbol
from core.domain.hyperparameters import ModelFamily
from core.domain.money import dollars
from core.domain.provenance import DATA_NAME_TAG
from core.domain.runs import Run

_HEIGHT: Final = 460
_TITLE: Final = "Runs so far"
_X_TITLE: Final = "Started (UTC)"
_Y_TITLE: Final = "RMSE on held-out rows (1990 $)"
_OTHER: Final = "other"


def rmse_history(runs: Sequence[Run], champion_run_id: str | None = None) -> go.Figure:
    """RMSE of each run over the time it started, one colour and symbol a family, the champion ringed.

    Runs without an RMSE are left out and counted. Runs on demo data and on datasets beside the configured file have
    open symbols: their figures are not comparable with the others. Each point's last ``customdata`` is its run id, for
    selections.
    """
    scored = [run for run in runs if _rmse(run) is not None]
    if not scored:
        return empty(
            "No run has a score yet. Train a model first.",
            title=_TITLE,
            x_title=_X_TITLE,
            y_title=_Y_TITLE,
            height=_HEIGHT,
        )
    traces: list[go.Scatter] = [
        _family_trace(label, members)
        for label in [*(family.label for family in ModelFamily), _OTHER]
        if (members := [run for run in scored if _family_label(run) == label])
    ]
    champion = [run for run in scored if run.run_id == champion_run_id]
    if champion:
        traces.append(
            go.Scatter(
                x=[run.started for run in champion],
                y=[_rmse(run) for run in champion],
                mode="markers",
                name="champion",
                marker={"symbol": "circle-open", "size": 20, "color": NEUTRAL, "line": {"width": 2.5}},
                hoverinfo="skip",
            )
        )
    left_out = len(runs) - len(scored)
    demo = sum(run.is_demo for run in scored)
    said = [f"{len(scored):,} run{'s' if len(scored) != 1 else ''}"]
    said += [f"{left_out:,} without a score left out"] if left_out else []
    said += [f"{demo:,} on demo data (hollow)"] if demo else []
    apart = sum(DATA_NAME_TAG in run.tags for run in scored)
    said += [f"{apart:,} on datasets of their own (hollow)"] if apart else []
    figure = framed(
        traces,
        title=_TITLE,
        subtitle="; ".join(said),
        x_title=_X_TITLE,
        y_title=_Y_TITLE,
        height=_HEIGHT,
        legend=True,
        zoomable=True,
    )
    # A floor for the ranges: alone or nearly equal, runs would be spread over cents and milliseconds.
    scores = [rmse for run in scored if (rmse := _rmse(run)) is not None]
    spread = max(0.1 * (max(scores) - min(scores)), 2_500.0)
    first, last = min(run.started for run in scored), max(run.started for run in scored)
    span = max(0.04 * (last - first), timedelta(minutes=5))
    figure.update_yaxes(range=[min(scores) - spread, max(scores) + spread], tickformat=PRICE_TICKS, nticks=6)
    figure.update_xaxes(type="date", range=[first - span, last + span], nticks=6)
    return figure


def _family_trace(label: str, runs: Sequence[Run]) -> go.Scatter:
    family = runs[0].family
    symbol = family_symbol(family)
    return go.Scatter(
        x=[run.started for run in runs],
        y=[_rmse(run) for run in runs],
        mode="markers",
        name=label,
        marker={
            "color": family_colour(family),
            "size": 10,
            "symbol": [f"{symbol}-open" if run.is_demo or DATA_NAME_TAG in run.tags else symbol for run in runs],
        },
        customdata=[[_hover(run), run.run_id] for run in runs],
        hovertemplate="%{customdata[0]}<extra></extra>",
    )


def _hover(run: Run) -> str:
    knobs = [f"{name} = {value}" for name, value in run.params.items() if name != "family"]
    lines = [
        f"<b>{plain(run.name)}</b>",
        f"{_family_label(run)}, RMSE {dollars(_rmse(run))}",
        *(plain(", ".join(knobs[place : place + 3])) for place in range(0, len(knobs), 3)),
        f"started {run.started:%Y-%m-%d %H:%M} UTC",
    ]
    if run.is_demo:
        lines.append("on demo data: not comparable")
    if DATA_NAME_TAG in run.tags:
        lines.append(f"on the dataset {plain(run.tags[DATA_NAME_TAG])}: comparable with runs on it alone")
    return "<br>".join(line for line in lines if line)


def _family_label(run: Run) -> str:
    return ModelFamily(run.family).label if run.family in set(ModelFamily) else _OTHER


def _rmse(run: Run) -> float | None:
    rmse = run.metrics.get("rmse")
    return rmse if rmse is not None and math.isfinite(rmse) else None
