"""How like two block groups are: six features counted in spreads of the data, and the kilometres between them.

A spread is the distance between the quartiles, over 1.349: the standard deviation of a bell curve, and nothing a
few odd rows could stretch. Sizes and incomes are compared by their logarithms, because twice as much is as far as
half as much.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from core.data.flat_map import flat_kilometres
from core.domain.house import NUMERIC_COLUMNS

KILOMETRES_A_SPREAD: Final = 10.0
"""How far on the map counts as one spread. Of 10, 20 and 40 km, the out-of-fold errors of the 16,512 training rows
of 1990 grow most steadily with the unlikeness that 10 gives."""

USUAL_SHARE: Final = 0.99
"""A house farther from its nearest block group than this share of the block groups are from theirs is unlike them."""

_QUARTILES_OF_A_BELL: Final = 1.349
_LOWEST_INCOME: Final = 0.2
"""× $10,000 a year: below it a logarithm would make one dollar of income more the greatest difference there is."""

_AT: Final = {name: number for number, name in enumerate(NUMERIC_COLUMNS)}

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Coordinate:
    """One of the ways in which block groups differ: in words, and the raw features it is made of."""

    words: str
    features: tuple[str, ...]


COORDINATES: Final = (
    Coordinate("income", ("median_income",)),
    Coordinate("age of the houses", ("housing_median_age",)),
    Coordinate("households", ("households",)),
    Coordinate("rooms a household", ("total_rooms", "households")),
    Coordinate("people a household", ("population", "households")),
    Coordinate("bedrooms a room", ("total_bedrooms", "total_rooms")),
)
"""The columns of :meth:`FeatureSpreads.scaled`. With the place they say all that the eight numbers say."""

PLACE: Final = Coordinate("place", ("longitude", "latitude"))


@dataclass(frozen=True, slots=True, eq=False)
class FeatureSpreads:
    """The middle and the spread of each coordinate, shape (6,), and what bedrooms are when they are not known.

    ``bedrooms``, shape (4,), gives the logarithm of bedrooms a room from households, rooms and people a household.
    """

    middle: Floats
    spread: Floats
    bedrooms: Floats

    @classmethod
    def of(cls, numbers: Floats) -> Self:
        """From rows of shape (n, 8) as in ``NUMERIC_COLUMNS``, n at least 1."""
        raw = _coordinates(numbers)
        known = ~np.isnan(raw[:, 5])
        bedrooms, *_ = np.linalg.lstsq(_sizes(raw[known]), raw[known, 5], rcond=None)
        raw[~known, 5] = _guessed(raw[~known], bedrooms)
        low, middle, high = np.quantile(raw, [0.25, 0.5, 0.75], axis=0)
        spread = (high - low) / _QUARTILES_OF_A_BELL
        return cls(middle, np.where(spread > 0, spread, 1.0), bedrooms)

    def scaled(self, numbers: Floats) -> Floats:
        """Rows of shape (n, 8) as coordinates in spreads from the middle: shape (n, 6), in the order of COORDINATES.

        Bedrooms that are not known are those usual for such sizes.
        """
        raw = _coordinates(numbers)
        unknown = np.isnan(raw[:, 5])
        if unknown.any():
            raw[unknown, 5] = _guessed(raw[unknown], self.bedrooms)
        scaled: Floats = (raw - self.middle) / self.spread
        return scaled


@dataclass(frozen=True, slots=True, eq=False)
class Likeness:
    """The block groups a model is fitted on, to ask which of them a house is most like.

    Attributes:
        spreads: what one step of each coordinate is.
        scaled: the coordinates of all n block groups, shape (n, 6).
        fitted_on: positions of those a model is fitted on, shape (m,).
        usual: 99 % of them have another one within this distance.
    """

    spreads: FeatureSpreads
    scaled: Floats
    fitted_on: Positions
    usual: float
    _tree: Any

    @classmethod
    def of(cls, numbers: Floats, fitted_on: Positions) -> Self:
        """From all rows, shape (n, 8) as in ``NUMERIC_COLUMNS``, and the positions of those a model is fitted on."""
        from scipy.spatial import cKDTree

        spreads = FeatureSpreads.of(numbers[fitted_on])
        scaled = spreads.scaled(numbers)
        points = np.hstack([scaled, _place(numbers)])[fitted_on]
        tree = cKDTree(points)
        others = tree.query(points, min(2, len(points)))[0].reshape(len(points), -1)[:, -1]
        return cls(spreads, scaled, fitted_on, float(np.quantile(others, USUAL_SHARE)), tree)

    def nearest(self, numbers: Floats) -> tuple[Floats, Positions]:
        """How far each of m rows, shape (m, 8), is from the block group most like it, and which one that is.

        Distances are in spreads, 10 km on the map counting as one; a row that a model is fitted on has 0.
        """
        distances, found = self._tree.query(np.hstack([self.spreads.scaled(numbers), _place(numbers)]))
        return np.asarray(distances, dtype=float), self.fitted_on[found]

    def differences(self, numbers: Floats, position: int) -> Floats:
        """By how many spreads one row, shape (1, 8), differs from a block group: six coordinates and the place."""
        other = np.hstack([self.scaled[position], self._place_of(position)])
        apart = np.hstack([self.spreads.scaled(numbers), _place(numbers)])[0] - other
        return np.append(np.abs(apart[:6]), np.hypot(apart[6], apart[7]))

    def _place_of(self, position: int) -> Floats:
        place: Floats = self._tree.data[np.searchsorted(self.fitted_on, position), 6:]
        return place


def _coordinates(numbers: Floats) -> Floats:
    income, age = numbers[:, _AT["median_income"]], numbers[:, _AT["housing_median_age"]]
    names = ("total_rooms", "total_bedrooms", "population", "households")
    rooms, bedrooms, people, households = np.log(numbers[:, [_AT[name] for name in names]]).T
    income = np.log(np.maximum(income, _LOWEST_INCOME))
    return np.column_stack([income, age, households, rooms - households, people - households, bedrooms - rooms])


def _sizes(raw: Floats) -> Floats:
    return np.column_stack([raw[:, 2:5], np.ones(len(raw))])


def _guessed(raw: Floats, bedrooms: Floats) -> Floats:
    # A matrix product rounds a row alone otherwise than among others, and a block group must be its own twin.
    guessed: Floats = (_sizes(raw) * bedrooms).sum(axis=1)
    return guessed


def _place(numbers: Floats) -> Floats:
    return flat_kilometres(numbers[:, _AT["longitude"]], numbers[:, _AT["latitude"]]) / KILOMETRES_A_SPREAD
