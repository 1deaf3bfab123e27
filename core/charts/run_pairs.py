"""Two columns of the same runs: who has both, who was left out, and what a figure says of that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import plotly.graph_objects as go

from core.charts.frame import empty, plain
from core.charts.lettering import counted, note, shortened
from core.charts.run_axis import RunAxis, Value, run_axis
from core.domain.run_query import Column
from core.domain.runs import Run

HEIGHT: Final = 440

_SPREAD: Final = 0.5
_GOLDEN: Final = 0.618034


@dataclass(frozen=True, slots=True, eq=False)
class RunPairs:
    """Runs with a value on both axes, in the runs' order; ``left_out`` counts those without."""

    across: RunAxis
    up: RunAxis
    drawn: tuple[tuple[Run, Value, Value], ...]
    left_out: int

    @property
    def said(self) -> str:
        """How many runs are drawn, and how many lack a figure for which columns."""
        lacking = " or ".join(dict.fromkeys(shortened(axis.label, 30) for axis in (self.up, self.across)))
        left_out = f"; {self.left_out:,} without {lacking} left out" if self.left_out else ""
        return f"{counted(len(self.drawn), 'run')}{left_out}"

    @property
    def figures(self) -> list[tuple[Run, float, float]]:
        """Those drawn, where both values are numbers or names' places: for params and metrics all of them."""
        return [(run, x, y) for run, x, y in self.drawn if isinstance(x, float) and isinstance(y, float)]

    def title(self, between: str) -> str:
        """Both columns' names with that between them, short enough for a figure's title."""
        return f"{shortened(self.up.label, 14)} {between} {shortened(self.across.label, 14)}"

    def nothing(self, title: str) -> go.Figure:
        """The figure where no run has both."""
        reason = f"No run has both {self.up.label} and {self.across.label}."
        return empty(note(reason), title=title, x_title=self.across.title, y_title=self.up.title, height=HEIGHT)

    def words(self, value: Value, other: Value) -> tuple[str, str]:
        """``RMSE $48,677`` and ``Trees 150``: the lines of a hover."""
        pairs = ((self.up, other), (self.across, value))
        first, second = (plain(shortened(f"{axis.label} {axis.text(one)}", 60)) for axis, one in pairs)
        return first, second


def run_pairs(runs: Sequence[Run], x: Column, y: Column) -> RunPairs:
    """The runs by what they have in two columns. Missing, NaN and infinite values leave a run out."""
    across, up = run_axis(x, runs), run_axis(y, runs)
    drawn = tuple(
        (run, one, other)
        for run, one, other in zip(runs, across.values, up.values, strict=True)
        if one is not None and other is not None
    )
    return RunPairs(across, up, drawn, len(runs) - len(drawn))


def beside(axis: RunAxis, value: Value, taken: Counter[Value]) -> Value:
    """The value; if it is a name's place, a little beside it where others stand there already, counted in ``taken``."""
    if not axis.names or isinstance(value, datetime):
        return value
    taken[value] += 1
    return value + _SPREAD * ((_GOLDEN * (taken[value] - 1) + 0.5) % 1 - 0.5)
