"""Runs as points: one colour and symbol a family where there are many, one a run where some are compared."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import plotly.graph_objects as go

from core.charts.frame import plain
from core.charts.lettering import short_labels, shortened
from core.charts.palette import Mark, family_colour, family_symbol, run_marks
from core.domain.hyperparameters import ModelFamily
from core.domain.provenance import DATA_NAME_TAG
from core.domain.runs import Run

LEGEND_WIDTH: Final = 38
"""Characters of a run's name in a legend: what a line has room for on a phone."""

_LEGEND_LINE: Final = 20
_MOST_LINES: Final = 5
_COLUMN: Final = 600
_PHONE: Final = 340.0
_SYMBOL: Final = 46
_LETTER: Final = 6.6
_HOVER_WIDTH: Final = 48
_OTHER: Final = "other"


@dataclass(frozen=True, slots=True)
class RunPoint:
    """A run where it is drawn; ``words`` are the lines of its hover under its name, ready for plotly."""

    run: Run
    x: Any
    y: Any
    words: tuple[str, ...]


def point_traces(points: Sequence[RunPoint], labels: Mapping[str, str] | None, *, size: int = 9) -> list[go.Scatter]:
    """One trace a family, or one a run.

    Each point's last ``customdata`` is its run id, for selections. Runs on demo data, and on
    datasets beside the configured file, have open symbols.

    Args:
        labels: how each compared run is called, by id, all of them and always in one order: then every run has
            the mark it has in the other charts. None for a trace a family.
    """
    traces = []
    for name, mark, members in _grouped(points, labels):
        open_or_not = [f"{mark.symbol}-open" if _is_apart(point.run) else mark.symbol for point in members]
        traces.append(
            go.Scatter(
                x=[point.x for point in members],
                y=[point.y for point in members],
                mode="markers",
                name=plain(name),
                marker={
                    "color": mark.colour,
                    "size": size,
                    "symbol": open_or_not,
                    "opacity": 0.85 if len(points) <= 200 else 0.7,
                },
                customdata=[[run_hover(point.run, point.words, labels), point.run.run_id] for point in members],
                hovertemplate="%{customdata[0]}<extra></extra>",
            )
        )
    return traces


def run_hover(run: Run, words: Sequence[str], labels: Mapping[str, str] | None) -> str:
    """The run's whole name, its family, and the words given."""
    name = labels.get(run.run_id, run.name) if labels else run.name
    broken = [name[start : start + _HOVER_WIDTH] for start in range(0, len(name), _HOVER_WIDTH)]
    lines = [f"<b>{'<br>'.join(plain(part) for part in broken)}</b>", family_name(run), *words]
    if run.is_demo:
        lines.append("on demo data: not comparable")
    if DATA_NAME_TAG in run.tags:
        lines.append(f"on the dataset {plain(run.tags[DATA_NAME_TAG])}: comparable with runs on it alone")
    return "<br>".join(lines)


def _is_apart(run: Run) -> bool:
    return run.is_demo or DATA_NAME_TAG in run.tags


def family_name(run: Run) -> str:
    """The family's label; ``other`` for one the lab does not know."""
    return ModelFamily(run.family).label if run.family in set(ModelFamily) else _OTHER


def family_mark(run: Run) -> Mark:
    """The colour and symbol of the run's family."""
    return Mark(family_colour(run.family), family_symbol(run.family), "solid")


def name_below(figure: go.Figure) -> None:
    """A legend under the figure that takes no room from the plot: in lines, or where these were many, in a column.

    Names that a figure's traces share are told once; a single name needs no legend.
    """
    names = list(dict.fromkeys(trace.name for trace in figure.data if trace.name and trace.showlegend is not False))
    if len(names) < 2:
        figure.update_layout(showlegend=False)
        return
    lines = _lines_on_a_phone(names)
    room = _LEGEND_LINE * lines + 10
    figure.update_layout(
        showlegend=True,
        height=figure.layout.height + room,
        margin_b=figure.layout.margin.b + room,
        # Plotly would scroll a legend that takes more than half of the figure.
        legend={"xref": "container", "maxheight": room + _LEGEND_LINE},
    )
    if lines > _MOST_LINES:
        # One column on wide screens too: the room is there anyway.
        figure.update_layout(legend={"entrywidth": _COLUMN, "entrywidthmode": "pixels"})


def _lines_on_a_phone(names: Sequence[str]) -> int:
    """Plotly sets a legend in one line, or in columns as wide as its longest name."""
    widths = [_SYMBOL + _LETTER * len(name) for name in names]
    return 1 if sum(widths) <= _PHONE else math.ceil(len(names) / max(1, int(_PHONE // max(widths))))


def _grouped(
    points: Sequence[RunPoint], labels: Mapping[str, str] | None
) -> list[tuple[str, Mark, Sequence[RunPoint]]]:
    if labels is not None:
        marks, short = run_marks(labels), short_labels(labels, LEGEND_WIDTH)
        return [
            (short[run_id], marks[run_id], members)
            for run_id in labels
            if (members := [point for point in points if point.run.run_id == run_id])
        ]
    names = [*(family.label for family in ModelFamily), _OTHER]
    by_name: dict[str, list[RunPoint]] = {name: [] for name in names}
    for point in points:
        by_name[family_name(point.run)].append(point)
    return [(shortened(name, 30), family_mark(members[0].run), members) for name, members in by_name.items() if members]
