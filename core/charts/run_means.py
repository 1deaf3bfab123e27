"""A metric against a param over the runs there are, with how sure each mean is over its seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import plotly.graph_objects as go

from core.charts.frame import framed, plain
from core.charts.lettering import counted, shortened
from core.charts.palette import faded
from core.charts.run_pairs import HEIGHT, RunPairs, run_pairs
from core.charts.run_points import RunPoint, family_mark, family_name, name_below, point_traces
from core.domain.hyperparameters import whole_params
from core.domain.metrics import figure_text
from core.domain.provenance import DATA_SHA256_TAG, SPLIT_TAG
from core.domain.run_query import Column, ColumnKind
from core.domain.runs import Run
from core.evaluation.significance import MeanInterval, mean_interval

_SEED: Final = "seed"
_PARAMS_A_LINE: Final = 3
_LEAST_SPAN: Final = 0.01


def metric_by_param(runs: Sequence[Run], param: str, metric: str, labels: Mapping[str, str] | None = None) -> go.Figure:
    """The metric's mean over seeds with its 95 % t-interval, against the param.

    A group is the runs that agree in every param but the seed, and in the data and the split they were scored on;
    groups that differ in nothing but this param are joined by a line. A seed trained twice counts once, by its
    latest run: two equal models are no evidence. Runs without a seed stand for themselves. A group of one seed is
    hollow and has no interval. Runs without the one or the other are left out and counted.

    Args:
        labels: given, each run is a small point beside the means, by its own mark; see
            :func:`core.charts.run_points.point_traces`.
    """
    pairs = run_pairs(runs, Column(ColumnKind.PARAM, param), Column(ColumnKind.METRIC, metric))
    title = f"Mean {pairs.title('by')}"
    groups = _groups(pairs, param)
    if not groups:
        return pairs.nothing(title)
    points = [RunPoint(run, value, score, pairs.words(value, score)) for run, value, score in pairs.drawn]
    small = point_traces(points, labels, size=6) if labels is not None else []
    lines = [_line(members, pairs) for members in _joined(groups)]
    named = set()
    for line in lines:
        line.showlegend = labels is None and line.name not in named
        named.add(line.name)
    single = sum(group.mean.low is None for group in groups)
    said = [f"{counted(len(groups), 'group')} of {pairs.said}", "mean and 95 % interval over seeds"]
    said += [f"{single:,} of one seed, so without interval (hollow)"] if single else []
    bottom, top = _range(groups, [score for _, _, score in pairs.figures] if small else [])
    beyond = sum(
        group.mean.low is not None
        and group.mean.high is not None
        and (group.mean.low < bottom or group.mean.high > top)
        for group in groups
    )
    said += [f"{counted(beyond, 'interval')} beyond the picture"] if beyond else []
    figure = framed(
        [*lines, *small],
        title=title,
        subtitle="; ".join(said),
        x_title=pairs.across.title,
        y_title=pairs.up.title,
        height=HEIGHT,
    )
    figure.update_xaxes(**pairs.across.layout)
    figure.update_yaxes(**{**pairs.up.layout, "range": [bottom, top]})
    name_below(figure)
    return figure


@dataclass(frozen=True, slots=True)
class _Group:
    """Runs of one spec: what they agree in but for the param that is drawn, where they stand, and their mean."""

    others: tuple[tuple[str, str], ...]
    value: float
    runs: tuple[Run, ...]
    mean: MeanInterval


def _groups(pairs: RunPairs, param: str) -> list[_Group]:
    by_seed: dict[tuple[Any, ...], dict[str, tuple[Run, float]]] = {}
    values: dict[tuple[Any, ...], float] = {}
    for run, value, score in sorted(pairs.figures, key=lambda one: one[0].started):
        params = whole_params(run.params)
        others = {name: text for name, text in params.items() if name not in (_SEED, param)}
        others |= {tag: run.tags.get(tag, "") for tag in (DATA_SHA256_TAG, SPLIT_TAG)}
        seed = run.params.get(_SEED, "")
        # Without a seed on record nobody knows whether two runs are two draws, so each stands for itself.
        key = (tuple(sorted(others.items())), params.get(param), "" if seed else run.run_id)
        by_seed.setdefault(key, {})[seed] = (run, score)
        values[key] = value
    groups = []
    for key, found in by_seed.items():
        mean = mean_interval([score for _, score in found.values()])
        if math.isfinite(mean.mean):
            groups.append(_Group(key[0], values[key], tuple(run for run, _ in found.values()), mean))
    return sorted(groups, key=lambda group: (group.others, group.value))


def _joined(groups: Sequence[_Group]) -> list[list[_Group]]:
    lines: dict[tuple[tuple[str, str], ...], list[_Group]] = {}
    for group in groups:
        lines.setdefault(group.others, []).append(group)
    return list(lines.values())


def _line(groups: Sequence[_Group], pairs: RunPairs) -> go.Scatter:
    first = groups[0].runs[0]
    mark = family_mark(first)
    return go.Scatter(
        x=[group.value for group in groups],
        y=[group.mean.mean for group in groups],
        mode="lines+markers",
        name=family_name(first),
        legendgroup=family_name(first),
        line={"color": faded(mark.colour, 0.45), "width": 1.5},
        marker={
            "color": mark.colour,
            "size": 11,
            "symbol": [mark.symbol if group.mean.high is not None else f"{mark.symbol}-open" for group in groups],
        },
        error_y={
            "type": "data",
            "array": [_reach(group.mean) for group in groups],
            "color": mark.colour,
            "thickness": 2,
            "width": 7,
        },
        customdata=[_words(group, pairs) for group in groups],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _range(groups: Sequence[_Group], scores: Sequence[float]) -> tuple[float, float]:
    """All means, and as much again on both sides for intervals: those of two seeds would press the rest together."""
    means = [group.mean.mean for group in groups]
    ends = [end for group in groups for end in (group.mean.low, group.mean.high) if end is not None]
    span = max(max(means) - min(means), _LEAST_SPAN * max(abs(mean) for mean in means)) or 1.0
    low, high = min(means) - span, max(means) + span
    shown = [*means, *scores, *(min(max(end, low), high) for end in ends)]
    pad = 0.06 * span
    return min(shown) - pad, max(shown) + pad


def _reach(mean: MeanInterval) -> float | None:
    reach = None if mean.high is None else mean.high - mean.mean
    return reach if reach is not None and math.isfinite(reach) else None


def _words(group: _Group, pairs: RunPairs) -> str:
    metric, mean = pairs.up.column.key, group.mean
    settings = [
        f"{name} = {shortened(text, 20)}"
        for name, text in group.others
        if name not in (DATA_SHA256_TAG, SPLIT_TAG, "family")
    ]
    low, high = figure_text(metric, mean.low), figure_text(metric, mean.high)
    count = len(group.runs)
    lines = [
        f"<b>{plain(shortened(f'{pairs.across.label} {pairs.across.text(group.value)}', 48))}</b>",
        f"{family_name(group.runs[0])}, mean {plain(shortened(pairs.up.label, 30))} {figure_text(metric, mean.mean)}",
        "one seed: no interval yet" if mean.low is None else f"95 % between {low} and {high}<br>over {count} seeds",
    ]
    lines += [
        plain(", ".join(settings[place : place + _PARAMS_A_LINE])) for place in range(0, len(settings), _PARAMS_A_LINE)
    ]
    return "<br>".join(lines)
