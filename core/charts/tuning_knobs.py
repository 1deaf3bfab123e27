"""What the knobs do in a sweep: all trials over all of them, and which one matters."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Final

import plotly.graph_objects as go

from core.charts.frame import empty, framed, plain
from core.charts.lettering import counted
from core.charts.palette import faded, family_colour
from core.charts.stacked_axes import X_TITLE, Line, line_trace, share, stacked, stacked_height
from core.charts.tuning import NO_SCORE, ceiling, known_scores, trial_hover
from core.domain.hyperparameters import KNOBS, KnobValue, ModelFamily
from core.domain.money import dollars, percent
from core.domain.sweep_plans import Varied
from core.domain.sweeps import Sweep, Trial

_LINES_TITLE: Final = "All trials over all knobs"
_SHARES_TITLE: Final = "Which knob matters"
_SHARES_X: Final = "Share of the RMSE's variance (%)"
_FEW: Final = 12
_OPACITIES: Final = (0.25, 0.4, 0.6, 0.85)
"""From the worst quarter of the trials to the best."""


def parallel_coordinates(sweep: Sweep) -> go.Figure:
    """One line a complete trial, down over the knobs that vary to its RMSE; the better, the stronger.

    The axes lie one below the other, not side by side: so their names can be read on a phone. Each spans what the
    plan allows, from left to right; the last one the RMSE of the trials so far, the best at the left
    and those far above the others at its right end.
    """
    complete = sorted(known_scores(sweep), key=lambda pair: (-pair[1], -pair[0].number))
    if not complete:
        height = stacked_height(len(sweep.plan.varied) + 1)
        return empty(NO_SCORE, title=_LINES_TITLE, x_title=X_TITLE, y_title="", height=height)
    lowest, highest = complete[-1][1], ceiling([rmse for _, rmse in complete])
    more = "+" if complete[0][1] > highest else ""
    colour = family_colour(sweep.plan.family)
    lines = [_line(sweep, trial, rmse, (lowest, highest)) for trial, rmse in complete]
    traces = [
        line_trace(quarter, name=name, colour=faded(colour, opacity), width=1.5)
        for name, opacity, quarter in zip(
            ("worst quarter", "third quarter", "second quarter", "best quarter"),
            _OPACITIES,
            _quarters(lines[:-1]),
            strict=True,
        )
        if quarter
    ]
    traces.append(line_trace(lines[-1:], name="best", colour=colour, width=4))
    labels = [_axis_label(sweep, one) for one in sweep.plan.varied]
    labels.append(f"<b>RMSE (1990 $)</b><br>{dollars(lowest)} to {dollars(highest)}{more}")
    return stacked(
        traces,
        labels,
        title=_LINES_TITLE,
        subtitle=f"{counted(len(complete), 'complete trial')}; the better, the stronger; the best in bold",
    )


def knob_importance_bars(importance: Sequence[tuple[str, float]], family: ModelFamily) -> go.Figure:
    """Each knob's share of the differences between trials, largest on top.

    Args:
        importance: (knob, share between 0 and 1), as ``core.search.importance`` gives them; none while there are
            too few trials to say.
    """
    if not importance:
        reason = "Too few complete trials to say."
        return empty(reason, title=_SHARES_TITLE, x_title=_SHARES_X, y_title="", height=240)
    labels = [KNOBS[family][name].label for name, _ in importance]
    shares = [100 * share for _, share in importance]
    bars = go.Bar(
        x=shares,
        y=list(range(len(shares))),
        orientation="h",
        marker={"color": family_colour(family)},
        text=[percent(share) for share in shares],
        textposition="outside",
        cliponaxis=False,
        hovertext=[
            f"{plain(label)} alone explains {percent(share)}<br>of how the trials differ in RMSE,"
            f"<br>number {rank} of {counted(len(shares), 'knob')}"
            for rank, (label, share) in enumerate(zip(labels, shares, strict=True), start=1)
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    figure = framed([bars], title=_SHARES_TITLE, x_title=_SHARES_X, y_title="", height=130 + 32 * len(shares))
    # Room beside the longest bar for its text, which plotly does not count in.
    figure.update_xaxes(range=[0, max(shares) * 1.22], nticks=6)
    figure.update_yaxes(
        tickvals=list(range(len(shares))),
        ticktext=[plain(label) for label in labels],
        range=[len(shares) - 0.5, -0.5],
        showgrid=False,
    )
    return figure


def _line(sweep: Sweep, trial: Trial, rmse: float, ends: tuple[float, float]) -> Line:
    places = [_place(sweep, one, trial.spec.values[one.name]) for one in sweep.plan.varied]
    return Line((*places, min(1.0, share(rmse, *ends))), trial_hover(sweep, trial, f"RMSE {dollars(rmse)}"))


def _quarters(lines: Sequence[Line]) -> list[Sequence[Line]]:
    """Four parts of nearly equal count; few trials fill the last ones first."""
    if len(lines) < _FEW:
        return [[], [], lines[: len(lines) // 2], lines[len(lines) // 2 :]]
    cuts = [len(lines) * part // 4 for part in range(5)]
    return [lines[first:last] for first, last in itertools.pairwise(cuts)]


def _place(sweep: Sweep, one: Varied, value: KnobValue) -> float:
    if KNOBS[sweep.plan.family][one.name].logarithmic:
        return share(math.log10(value), math.log10(one.low), math.log10(one.high))
    return share(value, one.low, one.high)


def _axis_label(sweep: Sweep, one: Varied) -> str:
    knob = KNOBS[sweep.plan.family][one.name]
    scale = ", log" if knob.logarithmic else ""
    return f"{plain(knob.label)}<br>{one.low:,g} to {one.high:,g}{scale}"
