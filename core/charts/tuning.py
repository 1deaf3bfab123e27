"""A sweep as it goes: its trials one after another, and against one knob."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import Any, Final

import plotly.graph_objects as go

from core.charts.frame import PRICE_TICKS, empty, framed, plain
from core.charts.lettering import counted
from core.charts.palette import NEUTRAL, family_colour
from core.domain.errors import InvalidSpec
from core.domain.hyperparameters import KNOBS, KnobValue
from core.domain.money import dollars
from core.domain.sweeps import Sweep, Trial, TrialState

RMSE_TITLE: Final = "RMSE in cross-validation (1990 $)"
NO_SCORE: Final = "No trial has a score yet."

_HEIGHT: Final = 400
_KNOBS_A_LINE: Final = 2
_FEWEST_TO_CUT: Final = 8
_LEAST_PAD: Final = 100.0


def best_so_far(sweep: Sweep) -> go.Figure:
    """RMSE of each trial in the order they were started, and the lowest so far as a line of steps.

    A trial given up stands where its last step left it, under a symbol of its own. Trials far above the others
    stand at the upper edge; their hover has the figure. Those that failed, were cancelled or never had a step have
    no place and are counted. The horizontal axis spans the whole plan from the start. Each point's last
    ``customdata`` is its trial's number, from 0.
    """
    title, x_title = "Best so far", "Trial"
    complete = known_scores(sweep)
    given_up = [(trial, rmse) for trial in sweep.trials if (rmse := _last_step(trial)) is not None]
    if not complete and not given_up:
        return empty(NO_SCORE, title=title, x_title=x_title, y_title=RMSE_TITLE, height=_HEIGHT)
    colour = family_colour(sweep.plan.family)
    bottom, top = rmse_range([rmse for _, rmse in complete or given_up])
    crosses = {"color": NEUTRAL, "size": 8, "symbol": "x-thin", "line": {"color": NEUTRAL, "width": 2}}
    points = [
        _points(sweep, given_up, name="given up", marker=crosses),
        _points(sweep, complete, name="complete", marker={"color": colour, "size": 8, "opacity": 0.7}),
    ]
    above = sum(_hold_below(trace, top) for trace in points)
    figure = framed(
        [trace for trace in [*points, _staircase(sweep, complete, colour)] if trace.x],
        title=title,
        subtitle=_progress(sweep, complete, above, top),
        x_title=x_title,
        y_title=RMSE_TITLE,
        height=_HEIGHT,
        legend=True,
    )
    last = max([sweep.plan.trials, *(trial.number + 1 for trial in sweep.trials)])
    figure.update_xaxes(range=[0.4, last + 0.6], nticks=8, tickformat=",d")
    figure.update_yaxes(range=[bottom, top], tickformat=PRICE_TICKS, nticks=6)
    return figure


def slice_plot(sweep: Sweep, name: str) -> go.Figure:
    """RMSE of each complete trial against the value it had for one knob; grey early trials, coloured late ones.

    The best is ringed; those far above the others stand at the upper edge. Each point's last ``customdata`` is
    its trial's number, from 0.

    Raises:
        InvalidSpec: the knob does not vary in this sweep.
    """
    varied = {one.name: one for one in sweep.plan.varied}
    if name not in varied:
        raise InvalidSpec(f"{name} does not vary in this sweep.", remedy=f"It varies {', '.join(varied)}.")
    knob, ends = KNOBS[sweep.plan.family][name], varied[name]
    title = f"RMSE by {_in_a_sentence(knob.label)}"
    x_title = f"{knob.label} (logarithmic)" if knob.logarithmic else knob.label
    complete = known_scores(sweep)
    if not complete:
        return empty(NO_SCORE, title=title, x_title=x_title, y_title=RMSE_TITLE, height=_HEIGHT)
    colour = family_colour(sweep.plan.family)
    points = _points(
        sweep,
        complete,
        name="complete",
        marker={
            "color": [trial.number for trial, _ in complete],
            # Both ends keep 3:1 on light and on dark, which no scale from light to dark could.
            "colorscale": [[0, NEUTRAL], [1, colour]],
            "cmin": 0,
            "cmax": max(1, sweep.plan.trials - 1),
            "size": 9,
            "opacity": 0.85,
        },
    )
    points.x = [trial.spec.values[name] for trial, _ in complete]
    bottom, top = rmse_range([rmse for _, rmse in complete])
    above = _hold_below(points, top)
    best, rmse = min(complete, key=lambda pair: (pair[1], pair[0].number))
    ring = go.Scatter(
        x=[best.spec.values[name]],
        y=[rmse],
        mode="markers",
        name="best",
        marker={"symbol": "circle-open", "size": 18, "color": colour, "line": {"width": 2.5}},
        hoverinfo="skip",
    )
    figure = framed(
        [points, ring],
        title=title,
        subtitle="; ".join(
            [
                f"{counted(len(complete), 'complete trial')}, from grey (early) to coloured (late)",
                "the best ringed",
                *_said_above(above, top),
            ]
        ),
        x_title=x_title,
        y_title=RMSE_TITLE,
        height=_HEIGHT,
    )
    figure.update_xaxes(**_value_axis(ends.low, ends.high, logarithmic=knob.logarithmic))
    figure.update_yaxes(range=[bottom, top], tickformat=PRICE_TICKS, nticks=6)
    return figure


def known_scores(sweep: Sweep) -> list[tuple[Trial, float]]:
    """The complete trials whose RMSE is a number, with it, in the order they were started."""
    return [
        (trial, trial.cv_rmse)
        for trial in sorted(sweep.trials, key=lambda trial: trial.number)
        if trial.state is TrialState.COMPLETE and trial.cv_rmse is not None and math.isfinite(trial.cv_rmse)
    ]


def trial_hover(sweep: Sweep, trial: Trial, score: str) -> str:
    """``Trial 7``, its score, and what it had for each knob that varies."""
    values = trial.spec.values
    knobs = [f"{KNOBS[sweep.plan.family][one.name].label} {values[one.name]:,g}" for one in sweep.plan.varied]
    if sweep.plan.repeats > 1:
        knobs.append(f"seed {trial.spec.seed}")
    lines = [", ".join(knobs[start : start + _KNOBS_A_LINE]) for start in range(0, len(knobs), _KNOBS_A_LINE)]
    return "<br>".join([f"<b>Trial {trial.number + 1}</b>, {score}", *(plain(line) for line in lines)])


def rmse_range(scores: Sequence[float]) -> tuple[float, float]:
    """From just below the best to just above :func:`ceiling`."""
    low, high = min(scores), ceiling(scores)
    pad = max(0.08 * (high - low), _LEAST_PAD)
    return max(0.0, low - pad), high + pad


def ceiling(scores: Sequence[float]) -> float:
    """The highest score, or less where a few lie so far above that the good ones could not be told apart."""
    if len(scores) < _FEWEST_TO_CUT:
        return max(scores)
    middle = median(scores)
    return min(max(scores), middle + 3 * (middle - min(scores)) + _LEAST_PAD)


def _points(sweep: Sweep, trials: Sequence[tuple[Trial, float]], *, name: str, marker: dict[str, Any]) -> go.Scatter:
    return go.Scatter(
        x=[trial.number + 1 for trial, _ in trials],
        y=[rmse for _, rmse in trials],
        mode="markers",
        name=name,
        marker=marker,
        customdata=[[trial_hover(sweep, trial, _score_text(trial, rmse)), trial.number] for trial, rmse in trials],
        hovertemplate="%{customdata[0]}<extra></extra>",
    )


def _hold_below(points: go.Scatter, top: float) -> int:
    """Set the points above the picture on its upper edge; how many there were."""
    scores: list[float] = list(points.y)
    points.y = [min(rmse, top) for rmse in scores]
    points.cliponaxis = False
    return sum(rmse > top for rmse in scores)


def _said_above(count: int, top: float) -> list[str]:
    return [f"{count:,} above {dollars(top)} at the edge"] if count else []


def _in_a_sentence(label: str) -> str:
    """``Learning rate`` → ``learning rate``; ``L2 penalty`` stays."""
    return label if label[1:2].isdigit() else label[:1].lower() + label[1:]


def _staircase(sweep: Sweep, complete: Sequence[tuple[Trial, float]], colour: str) -> go.Scatter:
    numbers: list[int] = []
    lowest: list[float] = []
    for trial, rmse in complete:
        numbers.append(trial.number + 1)
        lowest.append(min([rmse, *lowest[-1:]]))
    ended = max((trial.number + 1 for trial in sweep.trials if trial.is_final), default=0)
    if numbers and ended > numbers[-1]:
        numbers.append(ended)
        lowest.append(lowest[-1])
    return go.Scatter(
        x=numbers,
        y=lowest,
        mode="lines",
        name="best so far",
        line={"color": colour, "width": 2.5, "shape": "hv"},
        hoverinfo="skip",
    )


def _score_text(trial: Trial, rmse: float) -> str:
    if trial.state is TrialState.COMPLETE:
        return f"RMSE {dollars(rmse)}"
    return f"given up after {counted(len(trial.steps), 'step')}<br>RMSE {dollars(rmse)} so far"


def _last_step(trial: Trial) -> float | None:
    """The last RMSE of a trial given up; None for any other, and where there is no number."""
    known = [rmse for _, rmse in sorted(trial.steps) if math.isfinite(rmse)]
    return known[-1] if trial.state is TrialState.PRUNED and known else None


def _progress(sweep: Sweep, complete: Sequence[tuple[Trial, float]], above: int, top: float) -> str:
    said = []
    if complete:
        best, rmse = min(complete, key=lambda pair: (pair[1], pair[0].number))
        said.append(f"{dollars(rmse)} in trial {best.number + 1}")
    said.append(f"{sweep.ended:,} of {counted(sweep.plan.trials, 'trial')} ended")
    said += [
        f"{count:,} {word}"
        for word, state in (("failed", TrialState.FAILED), ("cancelled", TrialState.CANCELLED))
        if (count := sweep.count(state))
    ]
    return "; ".join([*said, *_said_above(above, top)])


def _value_axis(low: KnobValue, high: KnobValue, *, logarithmic: bool) -> dict[str, Any]:
    if logarithmic:
        first, last = math.log10(low), math.log10(high)
        pad = 0.05 * (last - first)
        return {"type": "log", "range": [first - pad, last + pad], "tickformat": ",~g", "dtick": 1}
    pad = 0.05 * (high - low)
    return {"range": [low - pad, high + pad], "nticks": 8, "tickformat": ",~g"}
