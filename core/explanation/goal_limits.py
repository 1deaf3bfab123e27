"""Within what a search for a price may move a house, and how far a moved house is from where it began."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from core.data.block_groups import BlockGroups, flat_kilometres
from core.domain.house import FEATURES, NUMERIC_COLUMNS, RAW_COLUMNS, House
from core.explanation.axis_values import USUAL_SHARES
from core.features.direct import HouseRows

MAP: Final = ("longitude", "latitude")
AT: Final = {name: number for number, name in enumerate(NUMERIC_COLUMNS)}
_ROOMS, _BEDROOMS, _PEOPLE, _HOUSEHOLDS = (
    AT[name] for name in ("total_rooms", "total_bedrooms", "population", "households")
)
_QUARTILES: Final = (25, 75)
_QUARTILES_APART: Final = 1.349
"""Quartiles of a normal distribution lie so many standard deviations apart."""

_LEAST_INCOME: Final = 0.1
"""In the feature's unit, $1,000 a year: below it the logarithm of an income says more than the income."""

_EACH_FEATURE: Final = 0.1

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class GoalLimits:
    """What may move, how far, and what a move counts.

    Attributes:
        start: the house the search begins at, one row.
        free: the raw features that may change. Bedrooms that are not given stay so.
        low, high: the usual range of each numeric feature, shape (8,), widened to the house's own value.
        ratio_low, ratio_high: likewise of rooms a household, bedrooms a room and people a household, shape (3,).
        excess: how many more households than people there may be: 0, or as many as the house has.
        spreads: what counts as one spread on each scale of :meth:`effort`, shape (7,).
    """

    start: HouseRows
    free: frozenset[str]
    low: Floats
    high: Floats
    ratio_low: Floats
    ratio_high: Floats
    excess: float
    spreads: Floats

    @classmethod
    def around(cls, house: House, locked: Collection[str], block_groups: BlockGroups) -> Self:
        """The limits of a search from this house: the 0.5 and 99.5 % quantiles of the data, and the locks."""
        start = HouseRows.from_houses([house])
        low, high = _usual(block_groups.numbers, start.numbers[0])
        ratio_low, ratio_high = _usual(_ratios(block_groups.numbers), _ratios(start.numbers)[0])
        not_given = {"total_bedrooms"} if house.total_bedrooms is None else set()
        return cls(
            start=start,
            free=frozenset(RAW_COLUMNS) - frozenset(locked) - not_given,
            low=np.maximum(low, [FEATURES[name].low for name in NUMERIC_COLUMNS]),
            high=np.minimum(high, [FEATURES[name].high for name in NUMERIC_COLUMNS]),
            ratio_low=ratio_low,
            ratio_high=ratio_high,
            excess=max(0.0, house.households - house.population),
            spreads=_spreads(block_groups.numbers),
        )

    def allows(self, rows: HouseRows) -> Flags:
        """Which rows lie within the limits and make sense in themselves, shape (n,). Locks are the caller's."""
        numbers, ratios = rows.numbers, _ratios(rows.numbers)
        # Bedrooms that are not given are NaN, and nothing is outside of what is not given.
        outside = (numbers < self.low) | (numbers > self.high)
        odd = (ratios < self.ratio_low) | (ratios > self.ratio_high)
        crowded_out = numbers[:, _HOUSEHOLDS] - numbers[:, _PEOPLE] > self.excess
        too_many = numbers[:, _BEDROOMS] > numbers[:, _ROOMS]
        allowed: Flags = ~(outside.any(axis=1) | odd.any(axis=1) | crowded_out | too_many)
        return allowed

    def effort(self, rows: HouseRows) -> Floats:
        """How far each row is from the start, in robust spreads of the data added up, shape (n,).

        Every further feature that moves counts a tenth of a spread besides: of two ways that are about as long the
        simpler one is nearer.
        """
        moved = rows.numbers != self.start.numbers
        moved &= ~(np.isnan(rows.numbers) & np.isnan(self.start.numbers))
        on_map = [AT[name] for name in MAP]
        features = np.delete(moved, on_map, axis=1).sum(axis=1) + moved[:, on_map].any(axis=1)
        return np.asarray(self.spreads_moved(rows).sum(axis=1) + _EACH_FEATURE * np.maximum(features - 1, 0))

    def spreads_moved(self, rows: HouseRows) -> Floats:
        """How far each row is from the start on each of seven scales, in robust spreads of the data, shape (n, 7).

        Log income, age, log households, the logs of three ratios, and kilometres. A block group that doubles in
        everything moves on one of them only; rooms alone move on two, households alone on three.
        """
        apart = np.nan_to_num(_scales(rows.numbers) - _scales(self.start.numbers))
        moved = np.column_stack([np.abs(apart[:, :-2]), np.hypot(apart[:, -2], apart[:, -1])])
        return np.asarray(moved / self.spreads)


def _usual(known: Floats, own: Floats) -> tuple[Floats, Floats]:
    """The usual range of each column, and as far as the house's own value where that lies outside."""
    low, high = np.nanquantile(known, USUAL_SHARES, axis=0)
    return np.fmin(low, own), np.fmax(high, own)


def _ratios(numbers: Floats) -> Floats:
    rooms, households = numbers[:, _ROOMS], numbers[:, _HOUSEHOLDS]
    return np.column_stack([rooms / households, numbers[:, _BEDROOMS] / rooms, numbers[:, _PEOPLE] / households])


def _scales(numbers: Floats) -> Floats:
    place = flat_kilometres(*(numbers[:, AT[name]] for name in MAP))
    return np.column_stack(
        [
            np.log(np.maximum(numbers[:, AT["median_income"]], _LEAST_INCOME)),
            numbers[:, AT["housing_median_age"]],
            np.log(numbers[:, _HOUSEHOLDS]),
            np.log(_ratios(numbers)),
            place,
        ]
    )


def _spreads(numbers: Floats) -> Floats:
    """Quartiles apart over 1.349; of places the longer side. 1 where the data do not spread at all."""
    low, high = np.nanpercentile(_scales(numbers), _QUARTILES, axis=0)
    spread = (high - low) / _QUARTILES_APART
    spread = np.append(spread[:-2], spread[-2:].max())
    return np.asarray(np.where(spread > 0, spread, 1.0))
