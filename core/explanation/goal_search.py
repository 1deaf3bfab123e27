"""The stages of a search for a price: where to ask the model next, by what it answered so far."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.data.block_groups import BlockGroups
from core.domain.feature_groups import FeatureGroup
from core.domain.house import NUMERIC_COLUMNS
from core.domain.money import SURVEY_CAP
from core.explanation.goal_limits import AT, Floats, GoalLimits
from core.explanation.goal_lines import Line, Places, line_towards, lines_from, rows_together
from core.explanation.goal_pool import GoalPool
from core.features.direct import HouseRows

_SINGLE_POSITIONS: Final = 40
_CLIMB_POSITIONS: Final = 12
_CLIMB_ROUNDS: Final = 6
_CLIMB_GAIN: Final = 50.0
"""Dollars a round of the climb must bring, or it ends."""

_DONORS: Final = (120, 60)
"""Block groups whose features are tried on: so many of the nearest, and of the dearest and the cheapest each."""

_WAYS_THERE: Final = 12
_FIRST_STEPS: Final = 3
_PAIR_POSITIONS: Final = 8
_PAIRS_REFINED: Final = 30
_TUNED: Final = 8
_TUNING_ROUNDS: Final = 3
_PLACES_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True, eq=False)
class GoalSearch:
    """The stages of a search; each leaves what it met in the pool."""

    pool: GoalPool
    limits: GoalLimits
    block_groups: BlockGroups
    places: Places | None

    def run(self) -> None:
        """Search until there is nothing left to try.

        Raises:
            TimeIsOver: before that; the pool keeps what was met.
        """
        start = self.limits.start
        here = float(self.pool.ask(start)[0])
        lines = list(lines_from(start, self.limits, self.places))
        if not lines:
            return
        scans = self.pool.scan(lines, _SINGLE_POSITIONS)
        self.pool.refine(lines, scans)
        self.pool.ask(self._donors())
        is_beyond = self.pool.goal > SURVEY_CAP
        if is_beyond or not self._is_between():
            self._climb()
        if is_beyond or not self._is_between():
            return
        self._ways_there(here)
        self._pairs(here, lines, scans)
        if not self._has_way():
            self._tune()
        self._climb()

    def _is_between(self) -> bool:
        """Whether prices on both sides of the goal were met, or one at it."""
        found = self.pool.found
        return bool((found >= self.pool.goal).any() and (found <= self.pool.goal).any())

    def _has_way(self) -> bool:
        return bool((np.abs(self.pool.found - self.pool.goal) <= self.pool.tolerance).any())

    def _donors(self) -> HouseRows:
        """The house with all that is free taken from a real block group: changes that are known to go together."""
        start, free = self.limits.start, self.limits.free
        columns = [AT[name] for name in NUMERIC_COLUMNS if name in free and name not in FeatureGroup.LOCATION.features]
        if not columns:
            return HouseRows(start.numbers[:0], start.places[:0])
        numbers = np.repeat(start.numbers, len(self.block_groups), axis=0)
        numbers[:, columns] = self.block_groups.numbers[:, columns]
        rows = HouseRows(numbers, np.repeat(start.places, len(self.block_groups)))
        usable = np.flatnonzero(self.limits.allows(rows) & ~np.isnan(numbers[:, columns]).any(axis=1))
        effort = self.limits.effort(HouseRows(numbers[usable], rows.places[usable]))
        near, ends = _DONORS
        by_price = usable[np.argsort(self.block_groups.recorded[usable], kind="stable")]
        nearest = usable[np.argsort(effort, kind="stable")]
        chosen = np.unique(np.concatenate([nearest[:near], by_price[:ends], by_price[-ends:]]))
        return HouseRows(numbers[chosen], rows.places[chosen])

    def _climb(self) -> None:
        """To the highest and to the lowest price, feature by feature, from the best that was met so far."""
        for _ in range(_CLIMB_ROUNDS):
            before = self.pool.found
            tops = [int(before.argmax()), int(before.argmin())]
            self.pool.scan(
                [line for top in tops for line in lines_from(self._row(top), self.limits, self.places)],
                _CLIMB_POSITIONS,
            )
            after = self.pool.found
            if max(after.max() - before.max(), before.min() - after.min()) < _CLIMB_GAIN:
                return

    def _ways_there(self, here: float) -> None:
        """Along the ways to the nearest houses beyond the goal: somewhere between, the goal is crossed."""
        found, rows = self.pool.found, self.pool.rows
        beyond = np.flatnonzero((found >= self.pool.goal) if here < self.pool.goal else (found <= self.pool.goal))
        effort = self.limits.effort(HouseRows(rows.numbers[beyond], rows.places[beyond]))
        nearest = beyond[np.argsort(effort, kind="stable")][:_WAYS_THERE]
        ways = [line_towards(self.limits.start, self._row(int(place)), self.limits) for place in nearest]
        self.pool.refine(ways, self.pool.scan(ways, _PAIR_POSITIONS))

    def _pairs(self, here: float, lines: list[Line], scans: list[tuple[Floats, Floats]]) -> None:
        """One line part of the way, then another."""
        pairs = [
            second
            for line, scan in zip(lines, scans, strict=True)
            for first in self._first_steps(here, line, *scan)
            for second in lines_from(first, self.limits, None)
            if not set(second.features) & set(line.features)
        ]
        # The nearest first steps first: they count when time is short.
        begins = rows_together([line.at(np.array([line.here])) for line in pairs]) if pairs else None
        if begins is None:
            return
        order = np.argsort(self.limits.effort(begins), kind="stable")
        pairs = [pairs[place] for place in order]
        scanned = self.pool.scan(pairs, _PAIR_POSITIONS)
        crossing = [(line, scan) for line, scan in zip(pairs, scanned, strict=True) if self.pool.crossings(*scan)][
            :_PAIRS_REFINED
        ]
        self.pool.refine([line for line, _ in crossing], [scan for _, scan in crossing])

    def _first_steps(self, here: float, line: Line, positions: Floats, found: Floats) -> Iterator[HouseRows]:
        """A few houses along a line that come nearer to the goal without passing it, the nearest in effort."""
        share = (found - here) / (self.pool.goal - here) if self.pool.goal != here else np.zeros(len(found))
        nearer = positions[(share > 0) & (share < 1)]
        if not len(nearer):
            return
        rows = line.at(nearer)
        order = np.argsort(self.limits.effort(rows), kind="stable")
        for place in np.unique(order[np.linspace(0, len(order) - 1, _FIRST_STEPS).round().astype(int)]):
            yield HouseRows(rows.numbers[[place]], rows.places[[place]])

    def _tune(self) -> None:
        """A few units more or less of everything, from the houses that came nearest: trees answer in steps."""
        for _ in range(_TUNING_ROUNDS):
            nearest = np.argsort(np.abs(self.pool.found - self.pool.goal), kind="stable")[:_TUNED]
            self.pool.look_nearby(
                [line for place in nearest for line in lines_from(self._row(int(place)), self.limits, None)]
            )
            if self._has_way():
                return
        self._look_everywhere()

    def _look_everywhere(self) -> None:
        """Every place there is, the nearest first."""
        if self.places is None:
            return
        which = np.arange(len(self.places.ocean))
        for begin in range(0, len(which), _PLACES_AT_ONCE):
            self.pool.ask(self.places.moved(self.limits.start, which[begin : begin + _PLACES_AT_ONCE]))
            if self._has_way():
                return

    def _row(self, place: int) -> HouseRows:
        rows = self.pool.rows
        return HouseRows(rows.numbers[[place]], rows.places[[place]])
