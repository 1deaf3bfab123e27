"""Everything What-if asks about one house: one call a question, each answer made once.

The price comes first and alone; what explains it is asked for apart, so that nobody waits for it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from core.data.block_group_search import Criteria, describe, draw, nearest_to
from core.data.block_groups import BlockGroups
from core.domain.errors import DataError, NotFound, StoreUnavailable
from core.domain.house import House
from core.domain.runs import Alias, ModelVersion
from core.domain.scenarios import PricedScenario, Scenario
from core.explanation.comparables import Comparable, comparables
from core.explanation.goal_seek import GoalAnswer, seek
from core.explanation.place import Moved, move
from core.explanation.plausibility import judge_rows
from core.explanation.sensitivity import Curve, RangesOf, Surface, curves, surface
from core.explanation.version_difference import VersionDifference, difference
from core.workflows.loaded_models import KEPT_MODELS, LoadedModels
from core.workflows.recent import Recent
from core.workflows.scenarios import distinct_names
from core.workflows.served_model import ServedModel
from core.workflows.valuation import Scope, Valuation, value, value_all

KEPT_ANSWERS: Final = 64
"""Answers of each kind in memory: what several visitors look at, and the way back of one."""

MOST_VERSIONS: Final = KEPT_MODELS
"""Set side by side: with more than stay in memory, each move of a slider would load them anew."""


@dataclass(frozen=True, slots=True)
class VersionPrice:
    """What one version says of the house, and how it differs from the first one's price; None for the first."""

    valuation: Valuation
    difference: VersionDifference | None


@dataclass(frozen=True, slots=True)
class Start:
    """A real block group to start from.

    Attributes:
        position: in file order. said: a clause about it.
        is_held_out: whether no model was fitted on it.
    """

    position: int
    house: House
    said: str
    is_held_out: bool


class WhatIf:
    """Answers about houses by one version: the one named, else the champion, else the newest.

    Args:
        models: the versions in memory.

    Raises:
        LabError: by every method, when there is no model or its records cannot be read. What needs real block
            groups raises DataError where the data file is not here.
    """

    def __init__(self, models: LoadedModels) -> None:
        self._models = models
        self._explained: Recent[tuple[object, ...], Valuation] = Recent(KEPT_ANSWERS)
        self._curves: Recent[tuple[object, ...], tuple[Curve, ...]] = Recent(KEPT_ANSWERS)
        self._surfaces: Recent[tuple[object, ...], Surface] = Recent(KEPT_ANSWERS)
        self._comparables: Recent[tuple[object, ...], tuple[Comparable, ...]] = Recent(KEPT_ANSWERS)
        self._goals: Recent[tuple[object, ...], GoalAnswer] = Recent(KEPT_ANSWERS)

    def value(self, house: House, version: str | None = None) -> Valuation:
        """Price, range and doubts: what paints first."""
        return value(self._models.served(version), house)

    def explained(self, house: House, version: str | None = None) -> Valuation:
        """The same with its reasons."""
        model = self._models.served(version)
        return self._explained.get((*_state(model), house), lambda: value(model, house, Scope.REASONS))

    def curves(self, house: House, version: str | None = None) -> tuple[Curve, ...]:
        """The price along each of the eight numeric features."""
        model, around = self._model_and_rows(version)
        return self._curves.get(
            (*_state(model), house), lambda: curves(house, model.route.prices, around, _ranges_of(model, around))
        )

    def surface(self, house: House, x: str, y: str, version: str | None = None) -> Surface:
        """The price over two numeric features."""
        model, around = self._model_and_rows(version)
        return self._surfaces.get(
            (*_state(model), house, x, y), lambda: surface(house, x, y, model.route.prices, around)
        )

    def comparables(
        self, house: House, version: str | None = None, *, dropped: Collection[int] = (), pinned: Collection[int] = ()
    ) -> tuple[Comparable, ...]:
        """The block groups most like the house, with what the survey recorded there.

        Args:
            dropped: row ids to leave out. pinned: row ids to show in any case.
        """
        model, around = self._model_and_rows(version)
        key = (*_state(model), house, frozenset(dropped), frozenset(pinned))

        def made() -> tuple[Comparable, ...]:
            price = self.value(house, version).price
            return comparables(house, price, model.route.prices, around, dropped=dropped, pinned=pinned)

        return self._comparables.get(key, made)

    def goal(self, house: House, goal: float, locked: Collection[str], version: str | None = None) -> GoalAnswer:
        """What would make the price ``goal`` dollars without touching the locked features; at most two seconds."""
        model, around = self._model_and_rows(version)
        key = (*_state(model), house, goal, frozenset(locked))
        return self._goals.get(key, lambda: seek(house, goal, model.route.prices, around, locked=locked))

    def beside(self, house: House, versions: Sequence[str | None]) -> tuple[VersionPrice, ...]:
        """The house under several versions, and how each price differs from the first one's.

        Args:
            versions: at most :data:`MOST_VERSIONS`; None is the version that serves.
        """
        first = self._models.served(versions[0])
        found = [VersionPrice(value(first, house), None)]
        for version in versions[1:MOST_VERSIONS]:
            other = self._models.served(version)
            around = self._models.block_groups_of(versions[0])
            found.append(VersionPrice(value(other, house), difference(house, first.route, other.route, around)))
        return tuple(found)

    def offered(self) -> tuple[ModelVersion, ...]:
        """The versions to choose from, the newest first; none where MLflow's records are not in use."""
        try:
            return self._models.versions()
        except StoreUnavailable:
            return ()

    def suggested(self, first: str) -> list[str]:
        """What to set beside a version: champion, challenger, and else the newest other one."""
        others = [one for one in self.offered() if one.version != first]
        held = [one.version for alias in Alias for one in others if alias in one.aliases]
        return list(dict.fromkeys(held)) or [one.version for one in others[:1]]

    def priced(self, scenarios: Sequence[Scenario], version: str | None = None) -> tuple[PricedScenario, ...]:
        """Saved houses with their prices now, each under a name of its own."""
        found = value_all(self._models.served(version), [one.house for one in scenarios])
        return tuple(
            PricedScenario(name, valuation.price, valuation.range)
            for name, valuation in zip(distinct_names(scenarios), found, strict=True)
        )

    def comparables_if_known(
        self, house: House, version: str | None = None, *, dropped: Collection[int] = (), pinned: Collection[int] = ()
    ) -> tuple[Comparable, ...]:
        """The comparable areas; none where the data file is not here or has no such row."""
        try:
            return self.comparables(house, version, dropped=dropped, pinned=pinned)
        except (DataError, NotFound):
            return ()

    def block_groups(self, version: str | None = None) -> BlockGroups:
        """The real block groups around: those the version was trained on. Raises DataError."""
        return self._models.block_groups_of(version)

    def move(self, house: House, longitude: float, latitude: float, version: str | None = None) -> Moved:
        """The house in another place; what goes with the place follows. Raises InvalidHouse for the open sea."""
        return move(house, longitude, latitude, self.block_groups(version))

    def drawn(self, criteria: Criteria, seed: int, version: str | None = None) -> int:
        """The position in file order of a real block group that meets the criteria. Raises NotFound."""
        return draw(self.block_groups(version), criteria, seed)

    def start_at(self, position: int, version: str | None = None) -> Start:
        """The real block group at a position in file order."""
        around = self.block_groups(version)
        return Start(position, around.house(position), describe(around, position), bool(around.is_held_out[position]))

    def nearest_to(self, house: House, version: str | None = None) -> Start:
        """The real block group nearest to the house on the map."""
        nearest = nearest_to(self.block_groups(version), house.longitude, house.latitude)
        return self.start_at(nearest, version)

    def _model_and_rows(self, version: str | None) -> tuple[ServedModel, BlockGroups]:
        model = self._models.served(version)
        return model, model.around or self._models.block_groups_of(version)


def _state(model: ServedModel) -> tuple[object, ...]:
    """Everything an answer depends on besides the house."""
    return model.source.sha256, model.source.intervals_sha256, model.around.sha256 if model.around else ""


def _ranges_of(model: ServedModel, around: BlockGroups) -> RangesOf | None:
    """The 90 % ranges along a curve, widened where the house leaves what the data hold."""
    intervals = model.intervals
    if intervals is None:
        return None
    return lambda rows, prices: intervals.ranges(rows, prices, judge_rows(rows, around).widened)
