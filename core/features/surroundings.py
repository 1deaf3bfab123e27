"""What lies around a place, from the block groups' features alone: no price has a part in any of it.

Rotated coordinates let a tree cut along the coast, which runs from northwest to southeast, in one split. Distances
to cities and shores say what a coordinate says only together with the other. The neighbours' means tell what kind of
place it is, the row's difference to them whether it stands out, and the distances to the neighbours how dense it is.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from core.data.flat_map import flat_kilometres
from core.domain.geography import BAY, CITIES, COAST, points_along
from core.domain.house import NUMERIC_COLUMNS
from core.features.nearest import Floats, Nearest, Positions

ANGLES: Final = (15, 30, 45, 60, 75)
"""Degrees from east towards north by which the coordinates are turned."""

LAGGED: Final = 15
"""Neighbours whose features are averaged."""

AGAINST: Final = (15, 40)
"""Neighbours whose mean a row's own features are compared with."""

DENSITIES: Final = (5, 15, 40, 100)
"""The neighbours, counted from the nearest, whose distance tells the density."""

TRAITS: Final = ("income", "age", "rooms", "occupancy", "bedrooms", "households", "population")
"""What neighbours are compared by; the last two as logarithms, bedrooms as a share of the rooms."""

_AVERAGED: Final = TRAITS[:4]
_CLOSEST: Final = 0.1
"""Kilometres below which a distance tells nothing: the data's coordinates are rounded to a kilometre."""

_AT: Final = {name: number for number, name in enumerate(NUMERIC_COLUMNS)}

ROTATIONS: Final = tuple(f"rotated_{angle}" for angle in ANGLES)
DISTANCES_TO_CITIES: Final = tuple(f"km_to_{city.name.lower().replace(' ', '_')}" for city in CITIES)
DISTANCES_TO_SHORES: Final = ("km_to_coast", "km_to_bay")
NEIGHBOURS_MEANS: Final = tuple(f"nearby_{trait}" for trait in _AVERAGED)
NEIGHBOURS_DISTANCES: Final = tuple(f"log_km_to_neighbour_{count}" for count in DENSITIES)
DIFFERENCES: Final = tuple(f"{trait}_against_{count}_nearby" for count in AGAINST for trait in TRAITS)

SURROUNDINGS_COLUMNS: Final = (
    *ROTATIONS,
    *DISTANCES_TO_CITIES,
    *DISTANCES_TO_SHORES,
    *NEIGHBOURS_MEANS,
    *NEIGHBOURS_DISTANCES,
    *DIFFERENCES,
)
"""The columns of :class:`Surroundings`, in order."""


def places_of(numbers: Floats) -> Floats:
    """Where rows of ``NUMERIC_COLUMNS``, shape (n, 8), lie on the flat map: kilometres, shape (n, 2)."""
    return flat_kilometres(numbers[:, _AT["longitude"]], numbers[:, _AT["latitude"]])


def traits_of(numbers: Floats) -> Floats:
    """:data:`TRAITS` of rows of ``NUMERIC_COLUMNS`` whose bedrooms are all there: shape (n, 7)."""
    rooms, bedrooms, population, households = (
        numbers[:, _AT[name]] for name in ("total_rooms", "total_bedrooms", "population", "households")
    )
    return np.column_stack(
        [
            numbers[:, _AT["median_income"]],
            numbers[:, _AT["housing_median_age"]],
            rooms / households,
            population / households,
            bedrooms / rooms,
            np.log(households),
            np.log(population),
        ]
    )


class Surroundings:
    """Knows some block groups, and tells what lies around any place and around each of them.

    Args:
        numbers: the block groups' ``NUMERIC_COLUMNS``, shape (n, 8), none missing, n ≥ 2.
    """

    def __init__(self, numbers: Floats) -> None:
        self._numbers = numbers
        self._traits = traits_of(numbers)
        self._near = Nearest(places_of(numbers))
        self._shores = tuple(
            Nearest(flat_kilometres(*np.array(points_along(shore)).transpose())) for shore in (COAST, BAY)
        )
        self._cities = flat_kilometres([city.longitude for city in CITIES], [city.latitude for city in CITIES])
        turns = np.radians(ANGLES)
        self._axes = np.vstack([np.cos(turns), np.sin(turns)])

    def of(self, numbers: Floats) -> Floats:
        """:data:`SURROUNDINGS_COLUMNS` of m houses or block groups, shape (m, columns)."""
        return self._around(numbers, traits_of(numbers), *self._near.to(places_of(numbers), DENSITIES[-1]))

    def of_own_rows(self) -> Floats:
        """The same of each known block group, which is never among its own neighbours."""
        return self._around(self._numbers, self._traits, *self._near.to_others(DENSITIES[-1]))

    def _around(self, numbers: Floats, traits: Floats, distances: Floats, neighbours: Positions) -> Floats:
        places = places_of(numbers)
        theirs = self._traits[neighbours[:, : AGAINST[-1]]]
        counted = [min(count, distances.shape[1]) - 1 for count in DENSITIES]
        return np.hstack(
            [
                places[:, :1] * self._axes[0] + places[:, 1:] * self._axes[1],
                np.hypot(places[:, :1] - self._cities[:, 0], places[:, 1:] - self._cities[:, 1]),
                *(shore.to(places, 1)[0] for shore in self._shores),
                theirs[:, :LAGGED, : len(_AVERAGED)].mean(axis=1),
                np.log(distances[:, counted] + _CLOSEST),
                *(traits - theirs[:, :count].mean(axis=1) for count in AGAINST),
            ]
        )
