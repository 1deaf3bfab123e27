"""Runs over params and metrics at once: parallel coordinates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import plotly.graph_objects as go

from core.charts.frame import empty, plain
from core.charts.lettering import counted, note, short_labels, shortened, wrapped
from core.charts.palette import faded, run_marks
from core.charts.run_axis import RunAxis, run_axis, seconds_of
from core.charts.run_points import LEGEND_WIDTH, family_mark, family_name, name_below, run_hover
from core.charts.stacked_axes import X_TITLE, Line, line_trace, share, stacked, stacked_height
from core.domain.money import MISSING
from core.domain.run_query import Column
from core.domain.runs import Run

_TITLE: Final = "Runs over params and metrics"
_NAMES_BESIDE: Final = 36
"""Characters of names that stand above one axis on a phone; of more, only the first and the last are told."""


def parallel_coordinates(
    runs: Sequence[Run], columns: Sequence[Column], labels: Mapping[str, str] | None = None
) -> go.Figure:
    """One line a run, down over the columns; each axis from its lowest value at the left to its highest.

    Where a run has no value a line is broken; runs without any are left out and counted.

    Args:
        labels: how each compared run is called, by id, all of them and always in one order: then every run has
            the mark it has in the other charts. None colours by family.
    """
    axes = [run_axis(column, runs) for column in columns]
    places = [_places(axis) for axis in axes]
    lines = [
        Line(tuple(column[index] for column in places), run_hover(run, _words(axes, index), labels))
        for index, run in enumerate(runs)
    ]
    drawn = [
        (run, line) for run, line in zip(runs, lines, strict=True) if any(place is not None for place in line.places)
    ]
    if not drawn:
        reason = "No run has a value in these columns." if columns else "No params or metrics are chosen."
        height = stacked_height(max(3, len(columns)))
        return empty(note(reason), title=_TITLE, x_title=X_TITLE, y_title="", height=height)
    traces = _by_family(drawn) if labels is None else _by_run(drawn, labels)
    broken = sum(None in line.places for _, line in drawn)
    said = [counted(len(drawn), "run")]
    said += [f"{len(runs) - len(drawn):,} without any value left out"] if len(drawn) < len(runs) else []
    said += [f"{broken:,} with a gap where a value is missing"] if broken else []
    figure = stacked(traces, [_label(axis) for axis in axes], title=_TITLE, subtitle="; ".join(said))
    for row, axis in enumerate(axes):
        _name_places(figure, row, axis)
    name_below(figure)
    return figure


def _by_family(drawn: Sequence[tuple[Run, Line]]) -> list[go.Scatter]:
    # So that many lines show where they are dense.
    opacity = 0.8 if len(drawn) <= 20 else 0.4 if len(drawn) <= 200 else 0.15
    families: dict[str, list[tuple[Run, Line]]] = {}
    for run, line in drawn:
        families.setdefault(family_name(run), []).append((run, line))
    return [
        line_trace(
            [line for _, line in members],
            name=name,
            colour=faded(mark.colour, opacity),
            width=1.5,
            marker_colour=mark.colour if len(drawn) <= 20 else faded(mark.colour, 0.6),
            symbol=mark.symbol,
        )
        for name, members in families.items()
        for mark in [family_mark(members[0][0])]
    ]


def _by_run(drawn: Sequence[tuple[Run, Line]], labels: Mapping[str, str]) -> list[go.Scatter]:
    marks, short = run_marks(labels), short_labels(labels, LEGEND_WIDTH)
    return [
        line_trace(
            [line],
            name=plain(short[run.run_id]),
            colour=mark.colour,
            width=2,
            symbol=mark.symbol,
            dash=mark.dash,
        )
        for run, line in drawn
        for mark in [marks[run.run_id]]
    ]


def _places(axis: RunAxis) -> list[float | None]:
    numbers = [None if value is None else _number(axis, seconds_of(value)) for value in axis.values]
    known = [number for number in numbers if number is not None]
    return [None if number is None else share(number, min(known), max(known)) for number in numbers]


def _number(axis: RunAxis, value: float) -> float:
    return math.log10(value) if axis.is_logarithmic else value


def _words(axes: Sequence[RunAxis], index: int) -> list[str]:
    words = []
    for axis in axes:
        value = axis.values[index]
        words.append(plain(shortened(f"{axis.label} {MISSING if value is None else axis.text(value)}", 60)))
    return words


def _label(axis: RunAxis) -> str:
    known = [value for value in axis.values if value is not None]
    title = wrapped(axis.label)
    if not known:
        return f"{title}<br>no value"
    if axis.names:
        return title if _all_named(axis) else f"{title}<br>{counted(len(axis.names), 'value')}"
    ends = [plain(axis.text(end)) for end in (min(known), max(known))]
    scale = ", log" if axis.is_logarithmic else ""
    return f"{title}<br>{ends[0] if ends[0] == ends[1] else f'{ends[0]} to {ends[1]}'}{scale}"


def _all_named(axis: RunAxis) -> bool:
    return sum(len(name) + 2 for name in axis.names) <= _NAMES_BESIDE


def _name_places(figure: go.Figure, row: int, axis: RunAxis) -> None:
    """Write an axis's names over their places: all where there is room, else the two at the ends."""
    last = len(axis.names) - 1
    for place, name in enumerate(axis.names):
        if not _all_named(axis) and place not in (0, last):
            continue
        figure.add_annotation(
            x=share(place, 0, last),
            y=row,
            text=plain(shortened(name, _NAMES_BESIDE // 2)),
            hovertext=plain(name),
            showarrow=False,
            yshift=13,
            font={"size": 11},
            xanchor="left" if place == 0 else "right" if place == last else "center",
        )
