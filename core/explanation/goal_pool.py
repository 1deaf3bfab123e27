"""Every house a search has asked the model about, and the clock that ends it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from core.explanation.goal_limits import Floats, GoalLimits
from core.explanation.goal_lines import Line, rows_together
from core.features.direct import HouseRows

_FIRST_ROWS: Final = 64
_MOST_ROWS: Final = 1_000
"""Up to so many rows a forest's trees are walked; more at once are slower and cannot be broken off."""

_BATCH_SECONDS: Final = 0.15
"""How long one batch should take: the clock is looked at between batches."""

_CROSSINGS: Final = 2
"""How many places where a line crosses the goal are looked into: the nearest ones."""

_INSIDE: Final = 8
_ROUNDS: Final = 3

Prices = Callable[[HouseRows], Floats]


class TimeIsOver(Exception):
    """The search has used its time; what it found until then stands."""


class GoalPool:
    """Asks the model in batches that fit the time, and keeps all rows with their prices.

    Args:
        prices: from n rows to their prices in 1990 USD.
        ends: when the time is over, on the clock of ``time.monotonic``.
    """

    def __init__(self, goal: float, tolerance: float, limits: GoalLimits, prices: Prices, ends: float) -> None:
        self.goal = goal
        self.tolerance = tolerance
        self._limits = limits
        self._prices = prices
        self._ends = ends
        self._seconds_a_row = 0.0
        self._kept: list[HouseRows] = []
        self._found: list[Floats] = []

    @property
    def rows(self) -> HouseRows:
        """All rows asked so far, in the order of asking."""
        return rows_together(self._kept)

    @property
    def found(self) -> Floats:
        """Their prices, shape (n,)."""
        return np.concatenate(self._found)

    def ask(self, rows: HouseRows) -> Floats:
        """The prices of n rows, shape (n,); NaN for those beyond the limits, which the model is not asked about.

        Raises:
            TimeIsOver: before all were priced; those that were are kept.
        """
        answered = np.full(len(rows), np.nan)
        allowed = np.flatnonzero(self._limits.allows(rows))
        begin = 0
        while begin < len(allowed):
            now = allowed[begin : begin + self._affordable()]
            answered[now] = self._price(HouseRows(rows.numbers[now], rows.places[now]))
            begin += len(now)
        return answered

    def scan(self, lines: Sequence[Line], count: int) -> list[tuple[Floats, Floats]]:
        """Each line's positions, about ``count`` of them, and the prices there."""
        return self._ask_at(lines, [line.spread(count) for line in lines])

    def look_nearby(self, lines: Sequence[Line]) -> None:
        """Ask each line a few units to either side of where it begins."""
        self._ask_at(lines, [line.nearby() for line in lines])

    def refine(self, lines: Sequence[Line], scans: Sequence[tuple[Floats, Floats]]) -> None:
        """Close in on where the lines cross the goal, step by step, the crossings nearest to where they begin."""
        known = list(scans)
        for _ in range(_ROUNDS):
            asked = [self._inside_crossings(line, *scan) for line, scan in zip(lines, known, strict=True)]
            if not any(len(positions) for positions in asked):
                return
            answers = self._ask_at(lines, asked)
            known = [_merged(scan, answer) for scan, answer in zip(known, answers, strict=True)]

    def crossings(self, positions: Floats, found: Floats) -> list[int]:
        """The steps in which a line goes from one side of the goal to the other."""
        side = np.sign(found - self.goal)
        return [int(step) for step in np.flatnonzero(side[:-1] * side[1:] < 0)]

    def _inside_crossings(self, line: Line, positions: Floats, found: Floats) -> Floats:
        known = ~np.isnan(found)
        positions, found = positions[known], found[known]
        from_home = np.abs(positions - line.here)
        at_goal = np.abs(found - self.goal) <= self.tolerance
        enough = from_home[at_goal].min() if at_goal.any() else np.inf
        # Behind a position that is at the goal already nothing nearer can lie.
        steps = [step for step in self._nearest(line, positions, found) if from_home[step : step + 2].min() < enough]
        return np.concatenate(
            [np.empty(0), *(line.between(positions[step], positions[step + 1], _INSIDE) for step in steps)]
        )

    def _nearest(self, line: Line, positions: Floats, found: Floats) -> list[int]:
        at_home = np.searchsorted(positions, line.here)
        return sorted(self.crossings(positions, found), key=lambda step: (abs(step + 0.5 - at_home), step))[:_CROSSINGS]

    def _ask_at(self, lines: Sequence[Line], positions: Sequence[Floats]) -> list[tuple[Floats, Floats]]:
        asked = [line.at(where) for line, where in zip(lines, positions, strict=True) if len(where)]
        if not asked:
            return [(np.empty(0), np.empty(0)) for _ in lines]
        answers = np.split(self.ask(rows_together(asked)), np.cumsum([len(where) for where in positions])[:-1])
        return list(zip(positions, answers, strict=True))

    def _affordable(self) -> int:
        """How many rows the next batch may have. Raises TimeIsOver when there is time for none."""
        if not self._found:
            return 1
        left = self._ends - time.monotonic()
        seconds = min(_BATCH_SECONDS, left)
        if seconds <= self._seconds_a_row:
            raise TimeIsOver
        if not self._seconds_a_row:
            return _FIRST_ROWS
        return int(min(_MOST_ROWS, seconds / self._seconds_a_row))

    def _price(self, rows: HouseRows) -> Floats:
        began = time.monotonic()
        found = np.asarray(self._prices(rows), dtype=float)
        # The first row alone says little: it warms what later rows find warm.
        if self._found:
            self._seconds_a_row = (time.monotonic() - began) / len(rows)
        self._kept.append(rows)
        self._found.append(found)
        return found


def _merged(scan: tuple[Floats, Floats], answer: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    positions = np.concatenate([scan[0], answer[0]])
    order = np.argsort(positions, kind="stable")
    return positions[order], np.concatenate([scan[1], answer[1]])[order]
