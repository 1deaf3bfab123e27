"""The lines a search for a price runs along: one feature, sizes that go together, a way across the map, or a mixture.

Every line begins at a house and is asked at positions: values of a feature, factors of sizes, shares of a way, or the
number of a place. Whatever position it is asked at, features that are locked stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from core.explanation.axis_values import TOTALS
from core.explanation.goal_limits import AT, MAP, Floats, GoalLimits
from core.features.direct import HouseRows

_DENSE: Final = 257
"""So many positions are looked at for what the limits allow; the model is asked at a few of them."""

_UNITS: Final = {"median_income": 0.01, "housing_median_age": 1.0, **dict.fromkeys(TOTALS, 1.0)}
"""What a feature moves by at least: $100 a year, a year, a room, a person. A place is a real block group's."""

_ROOM_SIZES: Final = ("total_rooms", "total_bedrooms")
_SIZES: Final = ("total_rooms", "total_bedrooms", "population", "households")
_FACTORS: Final = (1 / 16, 16.0)
_NEARBY_UNITS: Final = np.array([1.0, 2.0, 3.0, 5.0, 8.0, 13.0])
_NEARBY_FACTOR: Final = 0.003

Positions = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Places of real block groups a house may move to, nearest first; each array has shape (m,).

    ``first_look`` are the numbers of those that are tried before all others.
    """

    longitude: Floats
    latitude: Floats
    ocean: Positions
    first_look: Positions

    def moved(self, begin: HouseRows, which: Positions) -> HouseRows:
        """A house, one row, moved to each of some of the places."""
        numbers = np.repeat(begin.numbers, len(which), axis=0)
        for name, values in zip(MAP, (self.longitude, self.latitude), strict=True):
            numbers[:, AT[name]] = values[which]
        return HouseRows(numbers, self.ocean[which])


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A line through the space of houses.

    Attributes:
        features: the raw features that move along it.
        at: from k positions to k rows.
        positions: what the limits allow, ascending, shape (m,).
        here: the position of the house it begins at.
        is_even: whether halfway between two positions is their mean, not the root of their product.
        unit: what a position moves by at least; 0 where it may be anything.
        has_between: whether there is anything between two positions.
    """

    features: tuple[str, ...]
    at: Callable[[Floats], HouseRows]
    positions: Floats
    here: float
    is_even: bool = True
    unit: float = 0.0
    has_between: bool = True

    def spread(self, count: int) -> Floats:
        """About ``count`` of the positions, evenly over all of them."""
        if len(self.positions) <= count:
            return self.positions
        chosen = np.linspace(0, len(self.positions) - 1, count).round().astype(int)
        return np.asarray(self.positions[np.unique(chosen)])

    def between(self, low: float, high: float, count: int) -> Floats:
        """At most ``count`` positions inside a step."""
        if not self.has_between:
            return np.empty(0)
        made = np.linspace if self.is_even else np.geomspace
        inside = made(low, high, count + 2)[1:-1]
        if self.unit:
            inside = np.unique(_whole(inside, self.unit))
        return np.asarray(inside[(inside > low) & (inside < high)])

    def nearby(self) -> Floats:
        """Positions a few units to either side of where it begins."""
        if not self.has_between:
            return np.empty(0)
        reach = _NEARBY_UNITS * (self.unit or _NEARBY_FACTOR)
        found = np.concatenate([self.here - reach[::-1], self.here + reach])
        if not len(self.positions):
            return np.empty(0)
        return np.asarray(found[(found >= self.positions[0]) & (found <= self.positions[-1])])


def lines_from(begin: HouseRows, limits: GoalLimits, places: Places | None) -> Iterator[Line]:
    """All lines from a house, one row, along which something may move: features first, then sizes, then places."""
    free = limits.free
    for name in _UNITS:
        if name in free:
            yield _along_feature(begin, name, limits)
    if free.issuperset(_ROOM_SIZES):
        yield _along_sizes(begin, _ROOM_SIZES, limits)
    given = tuple(name for name in _SIZES if not np.isnan(begin.numbers[0, AT[name]]))
    if free.issuperset(given):
        yield _along_sizes(begin, given, limits)
    if places is not None:
        yield _over_places(begin, places)


def line_towards(begin: HouseRows, end: HouseRows, limits: GoalLimits) -> Line:
    """From a house to another, all that differs moving at once: income and sizes by ratios, the place at once."""
    moving = [name for name in _UNITS if not _same(begin.numbers[0, AT[name]], end.numbers[0, AT[name]])]
    columns = [AT[name] for name in moving]
    units = np.array([_UNITS[name] for name in moving])
    first, last = begin.numbers[0, columns], end.numbers[0, columns]
    by_ratio = np.array([name != "housing_median_age" for name in moving], dtype=bool) & (first > 0) & (last > 0)

    def at(shares: Floats) -> HouseRows:
        numbers, ocean = np.repeat(end.numbers, len(shares), axis=0), np.repeat(end.places, len(shares))
        share = shares[:, None]
        ratio = np.where(by_ratio, last, 1.0) / np.where(by_ratio, first, 1.0)
        reached = np.where(by_ratio, first * ratio**share, first + (last - first) * share)
        numbers[:, columns] = _whole(reached, units)
        return HouseRows(numbers, ocean)

    shares = np.linspace(0.0, 1.0, _DENSE)
    return Line(tuple(moving), at, shares[limits.allows(at(shares))], 0.0)


def rows_together(parts: Sequence[HouseRows]) -> HouseRows:
    """Rows behind one another."""
    return HouseRows(np.concatenate([part.numbers for part in parts]), np.concatenate([part.places for part in parts]))


def _along_feature(begin: HouseRows, name: str, limits: GoalLimits) -> Line:
    column, unit = AT[name], _UNITS[name]
    here = float(begin.numbers[0, column])
    low, high = limits.low[column], limits.high[column]
    is_even = name not in TOTALS or low <= 0

    def at(values: Floats) -> HouseRows:
        numbers, ocean = np.repeat(begin.numbers, len(values), axis=0), np.repeat(begin.places, len(values))
        numbers[:, column] = np.where(values == here, here, _whole(values, unit))
        return HouseRows(numbers, ocean)

    made = np.linspace(low, high, _DENSE) if is_even else np.geomspace(low, high, _DENSE)
    values = np.unique(np.append(_whole(made, unit), here))
    return Line((name,), at, values[limits.allows(at(values))], here, is_even, unit)


def _along_sizes(begin: HouseRows, names: tuple[str, ...], limits: GoalLimits) -> Line:
    columns = [AT[name] for name in names]

    def at(factors: Floats) -> HouseRows:
        numbers, ocean = np.repeat(begin.numbers, len(factors), axis=0), np.repeat(begin.places, len(factors))
        grown = numbers[:, columns] * factors[:, None]
        numbers[:, columns] = np.where(factors[:, None] == 1.0, numbers[:, columns], np.maximum(np.round(grown), 1.0))
        return HouseRows(numbers, ocean)

    factors = np.unique(np.append(np.geomspace(*_FACTORS, _DENSE), 1.0))
    return Line(names, at, factors[limits.allows(at(factors))], 1.0, is_even=False)


def _over_places(begin: HouseRows, places: Places) -> Line:
    def at(chosen: Floats) -> HouseRows:
        return places.moved(begin, chosen.astype(np.intp))

    positions = places.first_look.astype(float)
    return Line((*MAP, "ocean_proximity"), at, positions, -1.0, has_between=False)


def _whole(values: Floats, units: Floats | float) -> Floats:
    # Dividing by a whole number gives 3.51 where multiplying by 0.01 gives 3.5100000000000002.
    per_one = np.round(1.0 / np.asarray(units))
    return np.asarray(np.round(values * per_one) / per_one)


def _same(one: float, other: float) -> bool:
    return one == other or bool(np.isnan(one) and np.isnan(other))
