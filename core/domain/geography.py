"""California as a few hundred points: border, coast, the bay, the islands, the big cities.

General knowledge of the map, to about two kilometres: of the 20,640 real block groups 99 % fall on this land,
the others within 9 km of its edge (``tests/core/domain/test_geography.py`` holds both). Good for "how far to
the sea" and "is this on land", not for surveying. Every point is ``(longitude, latitude)`` in degrees, WGS 84.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

Point = tuple[float, float]

KILOMETRES_PER_DEGREE: Final = 111.2
"""One degree of latitude; a degree of longitude is this times the cosine of the latitude."""


@dataclass(frozen=True, slots=True)
class City:
    """A city of weight: its centre, and the people of its urban area in 1990, in thousands."""

    name: str
    longitude: float
    latitude: float
    thousands: int


CITIES: Final = (
    City("Los Angeles", -118.25, 34.05, 7000),
    City("San Diego", -117.16, 32.72, 2350),
    City("San Francisco", -122.42, 37.77, 1600),
    City("San Jose", -121.89, 37.34, 1430),
    City("Long Beach", -118.19, 33.78, 1600),
    City("Oakland", -122.27, 37.80, 1500),
    City("Sacramento", -121.49, 38.58, 1100),
    City("Anaheim", -117.91, 33.84, 2200),
    City("Riverside", -117.40, 33.95, 1170),
    City("Fresno", -119.78, 36.74, 450),
    City("Bakersfield", -119.02, 35.37, 300),
    City("Stockton", -121.29, 37.96, 260),
    City("Modesto", -120.99, 37.64, 230),
    City("Oxnard", -119.18, 34.20, 480),
    City("Santa Barbara", -119.70, 34.42, 180),
    City("Monterey", -121.85, 36.60, 130),
    City("Santa Rosa", -122.71, 38.44, 190),
    City("Palm Springs", -116.52, 33.82, 130),
    City("Lancaster", -118.14, 34.69, 190),
    City("Visalia", -119.29, 36.33, 110),
    City("San Luis Obispo", -120.66, 35.28, 60),
    City("Redding", -122.39, 40.58, 80),
    City("Chico", -121.84, 39.73, 75),
    City("Eureka", -124.15, 40.79, 45),
)
"""The centres prices lean on, the largest urban areas first in each region."""

COAST: Final[tuple[Point, ...]] = (
    (-124.21, 42.00),
    (-124.20, 41.75),
    (-124.08, 41.54),
    (-124.09, 41.29),
    (-124.16, 41.06),
    (-124.21, 40.82),
    (-124.28, 40.68),
    (-124.41, 40.44),
    (-124.35, 40.26),
    (-124.08, 40.02),
    (-123.80, 39.64),
    (-123.83, 39.44),
    (-123.82, 39.30),
    (-123.75, 38.95),
    (-123.54, 38.76),
    (-123.25, 38.51),
    (-123.13, 38.44),
    (-123.07, 38.30),
    (-122.99, 38.24),
    (-123.03, 37.99),
    (-122.90, 38.03),
    (-122.74, 37.90),
    (-122.60, 37.86),
    (-122.53, 37.82),
    (-122.52, 37.78),
    (-122.52, 37.70),
    (-122.52, 37.60),
    (-122.52, 37.50),
    (-122.45, 37.43),
    (-122.42, 37.25),
    (-122.34, 37.11),
    (-122.20, 37.01),
    (-122.06, 36.94),
    (-121.94, 36.97),
    (-121.80, 36.80),
    (-121.82, 36.69),
    (-121.88, 36.61),
    (-121.95, 36.64),
    (-121.98, 36.58),
    (-121.95, 36.52),
    (-121.91, 36.31),
    (-121.82, 36.23),
    (-121.58, 36.01),
    (-121.47, 35.88),
    (-121.33, 35.78),
    (-121.29, 35.66),
    (-121.13, 35.56),
    (-120.92, 35.44),
    (-120.88, 35.37),
    (-120.90, 35.25),
    (-120.75, 35.16),
    (-120.65, 35.13),
    (-120.65, 34.97),
    (-120.67, 34.90),
    (-120.65, 34.76),
    (-120.65, 34.58),
    (-120.47, 34.45),
    (-120.23, 34.47),
    (-119.85, 34.40),
    (-119.69, 34.39),
    (-119.52, 34.39),
    (-119.30, 34.27),
    (-119.23, 34.15),
    (-119.11, 34.09),
    (-118.94, 34.04),
    (-118.81, 34.00),
    (-118.68, 34.03),
    (-118.51, 34.02),
    (-118.47, 33.97),
    (-118.43, 33.91),
    (-118.40, 33.83),
    (-118.43, 33.77),
    (-118.41, 33.74),
    (-118.29, 33.70),
    (-118.19, 33.75),
    (-118.11, 33.73),
    (-118.00, 33.65),
    (-117.92, 33.59),
    (-117.79, 33.53),
    (-117.71, 33.46),
    (-117.62, 33.41),
    (-117.56, 33.37),
    (-117.39, 33.18),
    (-117.35, 33.14),
    (-117.30, 33.03),
    (-117.27, 32.96),
    (-117.28, 32.84),
    (-117.26, 32.70),
    (-117.24, 32.66),
    (-117.18, 32.67),
    (-117.14, 32.58),
    (-117.13, 32.53),
)
"""The mainland's ocean coast from Oregon to Mexico, across the Golden Gate."""

LAND_BORDER: Final[tuple[Point, ...]] = (
    (-117.13, 32.53),
    (-114.72, 32.72),
    (-114.53, 32.76),
    (-114.47, 32.93),
    (-114.52, 33.03),
    (-114.67, 33.04),
    (-114.70, 33.25),
    (-114.72, 33.41),
    (-114.52, 33.55),
    (-114.49, 33.70),
    (-114.53, 33.93),
    (-114.29, 34.14),
    (-114.14, 34.27),
    (-114.38, 34.45),
    (-114.43, 34.60),
    (-114.57, 34.83),
    (-114.63, 35.00),
    (-120.00, 39.00),
    (-120.00, 42.00),
    (-124.21, 42.00),
)
"""The rest of the way round: Mexico, the Colorado, Nevada, Oregon."""

BAY: Final[tuple[Point, ...]] = (
    (-122.48, 37.81),
    (-122.39, 37.80),
    (-122.37, 37.72),
    (-122.38, 37.65),
    (-122.35, 37.60),
    (-122.27, 37.57),
    (-122.20, 37.53),
    (-122.10, 37.47),
    (-122.02, 37.45),
    (-122.05, 37.50),
    (-122.13, 37.58),
    (-122.16, 37.64),
    (-122.22, 37.71),
    (-122.29, 37.76),
    (-122.33, 37.80),
    (-122.31, 37.85),
    (-122.33, 37.90),
    (-122.40, 37.91),
    (-122.43, 37.96),
    (-122.36, 38.00),
    (-122.27, 38.04),
    (-122.26, 38.07),
    (-122.34, 38.12),
    (-122.45, 38.12),
    (-122.49, 38.05),
    (-122.48, 37.96),
    (-122.45, 37.87),
    (-122.48, 37.83),
    (-122.48, 37.81),
)
"""The shore of San Francisco Bay and San Pablo Bay, once round the water."""

CATALINA: Final[tuple[Point, ...]] = (
    (-118.60, 33.48),
    (-118.49, 33.45),
    (-118.37, 33.42),
    (-118.30, 33.34),
    (-118.36, 33.30),
    (-118.47, 33.32),
    (-118.50, 33.41),
    (-118.60, 33.48),
)
"""The shore of Santa Catalina, the one island with block groups in the data."""

MAINLAND: Final[tuple[Point, ...]] = COAST + LAND_BORDER[1:]
"""The state's outline without its islands, closed."""


def is_inside(outline: Sequence[Point], longitude: float, latitude: float) -> bool:
    """Whether a point lies within a closed outline (even-odd rule)."""
    inside = False
    for (east, north), (east_2, north_2) in itertools.pairwise(outline):
        if (north > latitude) != (north_2 > latitude):
            crossing = east + (latitude - north) / (north_2 - north) * (east_2 - east)
            inside ^= longitude < crossing
    return inside


def is_on_land(longitude: float, latitude: float) -> bool:
    """Whether a point lies on California's land: the mainland without the bay, or Santa Catalina."""
    if is_inside(CATALINA, longitude, latitude):
        return True
    return is_inside(MAINLAND, longitude, latitude) and not is_inside(BAY, longitude, latitude)


def points_along(line: Sequence[Point], spacing_km: float = 1.0) -> tuple[Point, ...]:
    """The line's own points and enough between them that none is farther than ``spacing_km`` from the next.

    The distance to a shore is then the distance to the nearest of these, to half the spacing.
    """
    dense: list[Point] = [line[0]]
    for (east, north), (east_2, north_2) in itertools.pairwise(line):
        steps = max(1, math.ceil(kilometres(east, north, east_2, north_2) / spacing_km))
        dense += [
            (east + (east_2 - east) * step / steps, north + (north_2 - north) * step / steps)
            for step in range(1, steps + 1)
        ]
    return tuple(dense)


def kilometres(longitude: float, latitude: float, longitude_2: float, latitude_2: float) -> float:
    """The distance between two points, on a plane tangent midway: to 0.5 % within the state."""
    east = (longitude_2 - longitude) * math.cos(math.radians((latitude + latitude_2) / 2))
    return KILOMETRES_PER_DEGREE * math.hypot(east, latitude_2 - latitude)
