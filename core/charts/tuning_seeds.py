"""The answer of a grid under several seeds: a mean for each combination, and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import plotly.graph_objects as go

from core.charts.frame import PRICE_TICKS, empty, framed, plain
from core.charts.lettering import counted
from core.charts.palette import NEUTRAL, family_colour
from core.charts.tuning import NO_SCORE, RMSE_TITLE
from core.domain.hyperparameters import KNOBS
from core.domain.money import dollars
from core.evaluation.significance import MeanInterval, mean_interval
from core.search.groups import Group

_HEIGHT: Final = 420
_SPREAD: Final = 0.12
_LEAST_PAD: Final = 50.0


def seed_bars(groups: Sequence[Group]) -> go.Figure:
    """The mean RMSE of each combination with its 95 % t-interval, and each seed's own score as a small point.

    A combination with a single seed has no interval and says so. Combinations stand side by side in the order
    given, evenly spaced.
    """
    title = "RMSE over seeds"
    if not groups:
        return empty(NO_SCORE, title=title, x_title="", y_title=RMSE_TITLE, height=_HEIGHT)
    means = [mean_interval(group.scores) for group in groups]
    x_title = " · ".join(KNOBS[groups[0].family][name].label for name, _ in groups[0].values)
    most = max(len(group.scores) for group in groups)
    traces = [_seeds(groups), _means(groups, means)]
    figure = framed(
        traces,
        title=title,
        subtitle=f"mean and 95 % interval over {'up to ' * _is_uneven(groups)}{counted(most, 'seed')}",
        x_title=x_title,
        y_title=RMSE_TITLE,
        height=_HEIGHT,
        legend=True,
    )
    figure.update_xaxes(
        tickvals=list(range(len(groups))),
        ticktext=[" · ".join(f"{value:,g}" for _, value in group.values) for group in groups],
        range=[-0.6, len(groups) - 0.4],
        showgrid=False,
    )
    reached = [rmse for group in groups for rmse in group.scores]
    reached += [end for mean in means for end in (mean.low, mean.high) if end is not None]
    pad = max(0.08 * (max(reached) - min(reached)), _LEAST_PAD)
    figure.update_yaxes(range=[min(reached) - pad, max(reached) + pad], tickformat=PRICE_TICKS, nticks=7)
    return figure


def _means(groups: Sequence[Group], means: Sequence[MeanInterval]) -> go.Scatter:
    colour = family_colour(groups[0].family)
    return go.Scatter(
        x=list(range(len(groups))),
        y=[mean.mean for mean in means],
        mode="markers",
        name="mean, 95 % interval",
        marker={"color": colour, "size": 11, "symbol": "diamond"},
        error_y={
            "type": "data",
            "array": [None if mean.high is None else mean.high - mean.mean for mean in means],
            "color": colour,
            "thickness": 2,
            "width": 8,
        },
        customdata=[_mean_text(group, mean) for group, mean in zip(groups, means, strict=True)],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _seeds(groups: Sequence[Group]) -> go.Scatter:
    x, y, texts = [], [], []
    for place, group in enumerate(groups):
        for rank, (seed, rmse) in enumerate(group.by_seed):
            # To the right of the mean, one beside the other: above each other they would hide.
            x.append(place + _SPREAD + _SPREAD * rank / max(1, len(group.by_seed) - 1))
            y.append(rmse)
            texts.append(f"<b>{plain(group.label)}</b>, seed {seed}<br>RMSE {dollars(rmse)}")
    return go.Scatter(
        x=x,
        y=y,
        mode="markers",
        name="one seed",
        marker={"color": NEUTRAL, "size": 6},
        customdata=texts,
        hovertemplate="%{customdata}<extra></extra>",
    )


def _mean_text(group: Group, mean: MeanInterval) -> str:
    interval = (
        "one seed: no interval yet"
        if mean.low is None
        else f"95 % between {dollars(mean.low)} and {dollars(mean.high)}<br>over {len(group.scores)} seeds"
    )
    return f"<b>{plain(group.label)}</b><br>Mean RMSE {dollars(mean.mean)}<br>{interval}"


def _is_uneven(groups: Sequence[Group]) -> bool:
    return len({len(group.scores) for group in groups}) > 1
