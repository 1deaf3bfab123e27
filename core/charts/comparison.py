"""Compared runs beside their baseline: differences with their intervals, and settings over their seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import plotly.graph_objects as go

from core.charts.frame import PRICE_TICKS, empty, framed, plain
from core.charts.lettering import counted, note, shortened, wrapped
from core.charts.palette import ACCENT, BAD, GOOD, NEUTRAL, faded, run_marks
from core.domain.metrics import Unit, figure_text, metric_of
from core.domain.money import dollars, percent
from core.evaluation.significance import Judgement, Verdict
from core.workflows.comparison_views import ComparedRun, Comparison, SettingsGroup
from core.workflows.comparison_words import change_text, interval_text

_ROW: Final = 54
_AROUND: Final = 120
_REASON_WIDTH: Final = 28
_VERDICTS: Final = {
    Verdict.BETTER: (GOOD, "circle"),
    Verdict.WORSE: (BAD, "diamond"),
    Verdict.NO_REAL_DIFFERENCE: (NEUTRAL, "square"),
}
_OWN_WORD: Final = "r2_score"
"""The metric whose word follows the RMSE's: it has no margin of its own."""


def difference_bars(comparison: Comparison, metric: str = "rmse") -> go.Figure:
    """Each run's difference to the baseline with its 95 % interval, and the practical margin as a band round zero.

    Colour, symbol and word say the verdict. Runs without a difference stand in the list with their reason.
    """
    known = metric_of(metric)
    name = shortened(known.label, 18)
    title, x_title = f"{name} against the baseline", plain(_difference_title(metric))
    others = comparison.runs[1:]
    judged = [(place, one, one.differences[metric]) for place, one in enumerate(others) if _is_judged(one, metric)]
    height = _AROUND + _ROW * max(3, len(others))
    if not others:
        return empty(note("Nothing beside the baseline."), title=title, x_title=x_title, y_title="", height=height)
    traces = [
        _forest([one for one in judged if one[2].verdict is verdict], metric, verdict)
        for verdict in _VERDICTS
        if any(found.verdict is verdict for _, _, found in judged)
    ]
    margin = _margin(comparison, metric)
    said = [f"minus {shortened(comparison.baseline.label, 40)}"]
    if known.lower_is_better is not None:
        said.append(f"{'left' if known.lower_is_better else 'right'} of zero is better")
    said += [f"shaded: under the practical margin of {percent(100 * comparison.margin)}"] if margin else []
    figure = framed(
        traces, title=title, subtitle="; ".join(said), x_title=x_title, y_title="", height=height, legend=False
    )
    if margin:
        figure.add_vrect(x0=-margin, x1=margin, fillcolor=faded(NEUTRAL, 0.2), line_width=0, layer="below")
    figure.add_vline(x=0, line={"color": NEUTRAL, "width": 1.5})
    ends = [end for _, _, found in judged for end in (found.low, found.high)] or [-1.0, 1.0]
    reach = [min(*ends, -(margin or 0)), max(*ends, margin or 0)]
    pad = 0.06 * (reach[1] - reach[0]) or 1.0
    figure.update_xaxes(range=[reach[0] - pad, reach[1] + pad], nticks=6, **_ticks(known.unit))
    _rows(figure, [_row_label(one, metric) for one in others])
    for place, one in enumerate(others):
        if not _is_judged(one, metric):
            reason = one.not_compared or f"It has no {known.label} to compare."
            _said_in_row(figure, place, reason)
    return figure


def settings_bars(comparison: Comparison) -> go.Figure:
    """The mean RMSE of each settings over its seeds with its 95 % t-interval, every run a small point of its mark.

    Settings of one seed are hollow and have no interval. The word beside a name is the verdict against the
    baseline's settings.
    """
    title, x_title = "Settings over seeds", "RMSE (1990 $)"
    groups = comparison.groups
    if not groups:
        return empty(note("No run has an RMSE."), title=title, x_title=x_title, y_title="", height=_AROUND + 3 * _ROW)
    marks, labels = run_marks(comparison.labels), comparison.labels
    rmse = {one.run.run_id: one.run.metrics.get("rmse") for one in comparison.runs}
    own = [
        (place, run_id, score)
        for place, group in enumerate(groups)
        for run_id in group.run_ids
        if (score := rmse.get(run_id)) is not None
    ]
    runs = go.Scatter(
        x=[score for _, _, score in own],
        y=[place + 0.22 for place, _, _ in own],
        mode="markers",
        name="run",
        marker={
            "color": [marks[run_id].colour for _, run_id, _ in own],
            "symbol": [marks[run_id].symbol for _, run_id, _ in own],
            "size": 7,
        },
        customdata=[
            f"<b>{plain(shortened(labels[run_id], 60))}</b><br>RMSE {dollars(score)}" for _, run_id, score in own
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )
    figure = framed(
        [runs, _means(groups)],
        title=title,
        subtitle="mean and 95 % interval over seeds; small points are runs; hollow: one seed, so no interval",
        x_title=x_title,
        y_title="",
        height=_AROUND + _ROW * len(groups) + 20,
    )
    figure.update_xaxes(tickformat=PRICE_TICKS, nticks=6)
    base = comparison.baseline.run.run_id
    _rows(figure, [f"{wrapped(group.label)}<br>{_group_word(group, base)}" for group in groups])
    return figure


def _is_judged(one: ComparedRun, metric: str) -> bool:
    return metric in one.differences and one.differences[metric].verdict in _VERDICTS


def _forest(judged: Sequence[tuple[int, ComparedRun, Judgement]], metric: str, verdict: Verdict) -> go.Scatter:
    colour, symbol = _VERDICTS[verdict]
    return go.Scatter(
        x=[found.delta for _, _, found in judged],
        y=[place for place, _, _ in judged],
        mode="markers",
        name=verdict.value,
        marker={"color": colour, "size": 11, "symbol": symbol},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [found.high - found.delta for _, _, found in judged],
            "arrayminus": [found.delta - found.low for _, _, found in judged],
            "color": colour,
            "thickness": 2,
            "width": 7,
        },
        customdata=[
            f"<b>{plain(shortened(one.label, 60))}</b><br>{plain(shortened(metric_of(metric).label, 30))} "
            f"{figure_text(metric, one.run.metrics.get(metric))}, {change_text(metric, found.delta)}<br>"
            f"95 % between {interval_text(metric, found).replace(' to ', ' and ')}<br>{verdict.value}"
            for _, one, found in judged
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _means(groups: Sequence[SettingsGroup]) -> go.Scatter:
    reach = [None if group.rmse.high is None else group.rmse.high - group.rmse.mean for group in groups]
    return go.Scatter(
        x=[group.rmse.mean for group in groups],
        y=list(range(len(groups))),
        mode="markers",
        name="mean",
        marker={
            "color": ACCENT,
            "size": 12,
            "symbol": ["diamond-open" if end is None else "diamond" for end in reach],
        },
        error_x={"type": "data", "array": reach, "color": ACCENT, "thickness": 2, "width": 7},
        customdata=[_group_words(group) for group in groups],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _group_words(group: SettingsGroup) -> str:
    low, high, judged = group.rmse.low, group.rmse.high, group.against_baseline
    lines = [
        f"<b>{wrapped(group.label, 48, lines=4)}</b>",
        f"Mean RMSE {dollars(group.rmse.mean)}",
        "one seed: no interval yet" if low is None else f"95 % between {dollars(low)} and {dollars(high)}",
    ]
    if judged:
        lines.append(f"to the baseline's {change_text('rmse', judged.delta)}: {judged.verdict.value}")
        lines.append(f"95 % {interval_text('rmse', judged)}")
    return "<br>".join([*lines, *([wrapped(group.note, 48, lines=4)] if group.note else [])])


def _group_word(group: SettingsGroup, baseline: str) -> str:
    seeds = counted(len(group.seeds), "seed") if group.seeds else "no seed"
    if group.against_baseline is not None:
        return f"{seeds}, <b>{group.against_baseline.verdict.value}</b>"
    return f"{seeds}, {'baseline' if baseline in group.run_ids else 'no verdict'}"


def _row_label(one: ComparedRun, metric: str) -> str:
    if not _is_judged(one, metric):
        return f"{wrapped(one.label)}<br><b>not compared</b>"
    found = one.differences[metric]
    return f"{wrapped(one.label)}<br><b>{found.verdict.value}</b>"


def _said_in_row(figure: go.Figure, place: int, reason: str) -> None:
    figure.add_annotation(
        x=0,
        xref="x domain",
        xanchor="left",
        xshift=8,
        align="left",
        y=place,
        text=wrapped(reason, _REASON_WIDTH, lines=3),
        hovertext=wrapped(reason, 60, lines=6),
        showarrow=False,
        font={"size": 11},
    )


def _rows(figure: go.Figure, labels: Sequence[str]) -> None:
    figure.update_yaxes(
        tickvals=list(range(len(labels))), ticktext=list(labels), range=[len(labels) - 0.4, -0.6], showgrid=False
    )


def _margin(comparison: Comparison, metric: str) -> float | None:
    """Up to which difference nothing matters, in the metric's unit; None where the metric has no margin."""
    figure = comparison.baseline.run.metrics.get(metric)
    if metric == _OWN_WORD or figure is None or not abs(figure) < float("inf"):
        return None
    return comparison.margin * abs(figure) or None


def _difference_title(metric: str) -> str:
    known = metric_of(metric)
    unit = "percentage points" if known.unit is Unit.PERCENT else known.unit.value
    return f"Difference ({unit})" if unit else f"Difference in {shortened(known.label, 18)}"


def _ticks(unit: Unit) -> dict[str, Any]:
    return {"tickformat": PRICE_TICKS} if unit is Unit.DOLLARS else {}
