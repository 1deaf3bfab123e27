"""A price by kriging: what block groups like this one and near it cost, weighed by how much they tell together.

Ordinary kriging (Matheron 1963; Cressie, *Statistics for Spatial Data*, 1993, 3.2) of the log price from the nearest
block groups alone, with a covariance over place and kind:

    c(h, t) = near · e^−√(h²/ℓ₁² + t²) + wide · e^−√(h²/ℓ₂² + t²/4) + place · e^−h/ℓ₃

where h is the distance in kilometres and t that in features, each in deviations over its own length. The figures
below minimise the leave-one-out error of the 16,512 training rows; the held-out rows had no part in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from core.domain.house import NUMERIC_COLUMNS
from core.features.nearest import Floats, Nearest, Positions
from core.features.surroundings import places_of

KRIGING_COLUMNS: Final = ("kriged_log_price", "kriging_variance")
"""The columns of :class:`Kriging`, in order."""

_NEIGHBOURS: Final = 40
_NEAR, _NEAR_KM = 0.195, 2.73
_WIDE, _WIDE_KM = 0.365, 384.0
_PLACE, _PLACE_KM = 0.638, 114.0
_NUGGET: Final = 0.0416
"""The variance of log prices between block groups that are alike in all this."""

_LENGTHS: Final = np.array([3.65, 3.49, 4.52, 3.19, 4.03, 15.0])
"""Deviations of income, age, rooms, bedrooms, occupancy and households over which likeness falls off."""

_LEAST_INCOME: Final = 0.1
"""A thousand dollars a year: an income of 0 is possible, and its logarithm is not."""

_AT_ONCE: Final = 64
"""Rows whose systems are solved together: what they need stays in the processor's own memory."""

_AT: Final = {name: number for number, name in enumerate(NUMERIC_COLUMNS)}


class Kriging:
    """Knows some block groups and their prices.

    Args:
        numbers: their ``NUMERIC_COLUMNS``, shape (n, 8), none missing. log_prices: of 1990 USD, shape (n,).
    """

    def __init__(self, numbers: Floats, log_prices: Floats) -> None:
        kinds = _kinds(numbers)
        deviation = kinds.std(axis=0)
        self._mean, self._unit = kinds.mean(axis=0), np.where(deviation > 0, deviation, 1.0) * _LENGTHS
        self._points = self._points_of(numbers)
        self._near = Nearest(self._points)
        self._log_prices = log_prices

    def of(self, numbers: Floats) -> Floats:
        """:data:`KRIGING_COLUMNS` of m houses that are none of the block groups: shape (m, 2)."""
        points = self._points_of(numbers)
        _, neighbours = self._near.to(points, _NEIGHBOURS)
        parts = range(0, len(points), _AT_ONCE)
        solved = [self._solve(points[at : at + _AT_ONCE], neighbours[at : at + _AT_ONCE]) for at in parts]
        return np.vstack(solved) if solved else np.empty((0, len(KRIGING_COLUMNS)))

    def _points_of(self, numbers: Floats) -> Floats:
        """Place and kind in the lengths of the near covariance, so that distance here is likeness."""
        return np.hstack([places_of(numbers) / _NEAR_KM, (_kinds(numbers) - self._mean) / self._unit])

    def _solve(self, points: Floats, neighbours: Positions) -> Floats:
        count = neighbours.shape[1]
        pairs = _pairs_of(count + 1)
        # The house itself is the last point and the origin: what is squared stays small.
        around = np.concatenate([self._points[neighbours] - points[:, None], np.zeros((len(points), 1, 8))], axis=1)
        told = _covariances(pairs.squares(around[:, :, :2]), pairs.squares(around[:, :, 2:]))
        whole = pairs.matrices(told, _NEAR + _WIDE + _PLACE)
        between, to_house = whole[:, :count, :count] + _NUGGET * np.eye(count), whole[:, :count, count]
        prices = self._log_prices[neighbours]
        usual = prices.mean(axis=1)
        known = np.stack([prices - usual[:, None], np.ones_like(prices), to_house], axis=2)
        solved = np.linalg.solve(between, known)
        mean = solved[:, :, 0].sum(axis=1) / solved[:, :, 1].sum(axis=1)
        weighed = (to_house[:, :, None] * solved).sum(axis=1)
        log_price = usual + mean + weighed[:, 0] - mean * weighed[:, 1]
        return np.column_stack([log_price, _NEAR + _WIDE + _PLACE - weighed[:, 2]])


@dataclass(frozen=True, slots=True)
class _Pairs:
    """The pairs of k points, each once: a covariance has no direction, and its roots and powers are what takes time.

    Args:
        first, second: the two points of each of the k (k - 1) / 2 pairs.
        place: of shape (k, k), where a pair stands among them; on the diagonal the number of pairs.
    """

    first: Positions
    second: Positions
    place: Positions

    def squares(self, points: Floats) -> Floats:
        """Squared distances of the pairs of each row: shape (m, pairs) for points of shape (m, k, dimensions)."""
        products = points @ points.transpose(0, 2, 1)
        lengths = np.diagonal(products, axis1=1, axis2=2)
        squares = products[:, self.first, self.second]
        squares *= -2.0
        squares += lengths[:, self.first]
        squares += lengths[:, self.second]
        return np.asarray(np.maximum(squares, 0.0, out=squares))

    def matrices(self, values: Floats, diagonal: float) -> Floats:
        """What each pair has, of shape (m, pairs), as symmetric matrices of shape (m, k, k)."""
        whole = np.column_stack([values, np.full(len(values), diagonal)])
        return np.asarray(whole.take(self.place, axis=1))


@cache
def _pairs_of(points: int) -> _Pairs:
    first, second = np.triu_indices(points, 1)
    place = np.full((points, points), len(first))
    place[first, second] = place[second, first] = np.arange(len(first))
    return _Pairs(first, second, place)


def _covariances(place: Floats, kind: Floats) -> Floats:
    """c(h, t) of squared distances in the lengths of the near covariance."""
    near = _NEAR * np.exp(-np.sqrt(place + kind))
    wide = _WIDE * np.exp(-np.sqrt(place * (_NEAR_KM / _WIDE_KM) ** 2 + kind / 4))
    return np.asarray(near + wide + _PLACE * np.exp(np.sqrt(place) * -(_NEAR_KM / _PLACE_KM)))


def _kinds(numbers: Floats) -> Floats:
    """What block groups are alike in beside their place: shape (n, 6)."""
    income, age, rooms, bedrooms, population, households = (
        numbers[:, _AT[name]]
        for name in (
            "median_income",
            "housing_median_age",
            "total_rooms",
            "total_bedrooms",
            "population",
            "households",
        )
    )
    return np.column_stack(
        [
            np.log(np.maximum(income, _LEAST_INCOME)),
            age,
            np.log(rooms / households),
            np.log(bedrooms / rooms),
            np.log(population / households),
            np.log(households),
        ]
    )
