"""What a model leans on: its feature importances as bars."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import plotly.graph_objects as go

from core.charts.frame import empty, framed, plain
from core.charts.palette import ACCENT, NEUTRAL
from core.domain.house import FEATURES
from core.domain.money import percent

_X_TITLE: Final = "Share of all importance (%)"
_TITLE: Final = "What the model leans on"
_LONGEST_LABEL: Final = 24


def importance_bars(
    importance: Mapping[str, float] | Sequence[tuple[str, float]], *, most: int = 12, colour: str = ACCENT
) -> go.Figure:
    """Feature importances, largest on top, each as its share of their sum.

    Args:
        importance: value by column, on any scale (a forest's shares, a booster's gains). The raw features
            appear under their labels. A value that is no number is left out and counted.
        most: how many bars to draw; the rest are summed in one more.
        colour: of the bars, usually the family's.
    """
    pairs = list(importance.items()) if isinstance(importance, Mapping) else list(importance)
    known = sorted(((name, value) for name, value in pairs if math.isfinite(value)), key=lambda pair: -pair[1])
    total = sum(value for _, value in known if value > 0)
    if total <= 0:
        return empty("This model gives no importances.", title=_TITLE, x_title=_X_TITLE, y_title="", height=240)
    shares = [(_label(name), 100 * value / total) for name, value in known]
    drawn, rest = shares[:most], shares[most:]
    hovers = [
        f"{plain(label)}: {percent(share)} of all importance,<br>number {rank} of {len(shares)} features"
        for rank, (label, share) in enumerate(drawn, start=1)
    ]
    if rest:
        others = sum(share for _, share in rest)
        drawn = [*drawn, (f"{len(rest)} others", others)]
        hovers.append(f"{len(rest)} other features together: {percent(others)}")
    bars = go.Bar(
        x=[share for _, share in drawn],
        y=list(range(len(drawn))),
        orientation="h",
        marker={"color": [colour] * (len(drawn) - bool(rest)) + [NEUTRAL] * bool(rest)},
        text=[percent(share) for _, share in drawn],
        textposition="outside",
        cliponaxis=False,
        hovertext=hovers,
        hovertemplate="%{hovertext}<extra></extra>",
    )
    omitted = len(pairs) - len(known)
    figure = framed(
        [bars],
        title=_TITLE,
        subtitle=f"{omitted} without a number left out" if omitted else "",
        x_title=_X_TITLE,
        y_title="",
        height=130 + 28 * len(drawn),
    )
    # Room beside the longest bar for its text, which plotly does not count in.
    lowest = min(0.0, *(share for _, share in drawn))
    figure.update_xaxes(range=[lowest * 1.2, max(share for _, share in drawn) * 1.22], nticks=6)
    figure.update_yaxes(
        tickvals=list(range(len(drawn))),
        ticktext=[plain(_short(label)) for label, _ in drawn],
        range=[len(drawn) - 0.5, -0.5],
        showgrid=False,
    )
    return figure


def _label(name: str) -> str:
    if name in FEATURES:
        return FEATURES[name].label
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}…"
