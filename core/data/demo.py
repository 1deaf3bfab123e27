"""Invented block groups on California's real map, for a machine that has neither file nor network.

Nothing here was measured. Places lie where people live, incomes and sizes have the ranges of the census,
and prices follow income, the sea and the big cities, with noise. Good enough to try every screen and to
show that training works; no score on these rows says anything about houses.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.data.schema import COLUMNS
from core.domain.geography import (
    BAY,
    CITIES,
    COAST,
    KILOMETRES_PER_DEGREE,
    MAINLAND,
    Point,
    is_on_land,
    points_along,
)
from core.domain.house import OceanProximity
from core.domain.money import SURVEY_CAP

DEMO_ROWS: Final = 4000

_SEED: Final = 1990
_ISLAND_EVERY: Final = 1000
_TOWN_SHARE: Final = 0.88
_MISSING_BEDROOMS: Final = 0.01

Values = npt.NDArray[np.float64]


def demo_rows(n: int = DEMO_ROWS, seed: int = _SEED) -> pd.DataFrame:
    """``n`` invented block groups: ten columns as in the data file, the same rows for the same seed.

    About one row in a thousand lies on Santa Catalina (class ISLAND), one in a hundred has no
    ``total_bedrooms``. Prices are dollars of 1990, from 14,999 to the survey's cap.
    """
    rng = np.random.default_rng(seed)
    longitude, latitude = _places(rng, n)
    on_island = np.arange(n) % _ISLAND_EVERY == _ISLAND_EVERY - 1
    longitude = np.where(on_island, -118.33, longitude)
    latitude = np.where(on_island, 33.35, latitude)

    coast_km = _distance_to(points_along(COAST, 2.0), longitude, latitude)
    bay_km = _distance_to(points_along(BAY, 2.0), longitude, latitude)
    pull = _pull_of_cities(longitude, latitude)

    affluence = _smooth_field(rng, longitude, latitude)
    income = 3.4 * np.exp(0.28 * affluence + 0.12 * pull + 0.35 * rng.standard_normal(n))
    income = np.clip(income, 0.4999, 15.0001).round(4)
    age = np.clip(22 + 14 * pull + 10 * rng.standard_normal(n), 1, 52).round()
    sizes = _sizes(rng, income)
    price = (
        20_000
        + 36_000 * income
        + 90_000 * np.exp(-coast_km / 20)
        + 60_000 * np.exp(-bay_km / 25)
        + 35_000 * pull
        + 18_000 * affluence
    ) * np.exp(0.2 * rng.standard_normal(n))
    price = np.clip((price / 100).round() * 100, 14_999, SURVEY_CAP)
    rows = {
        "longitude": longitude,
        "latitude": latitude,
        "housing_median_age": age,
        **sizes,
        "median_income": income,
        "ocean_proximity": _classes(coast_km, bay_km, on_island),
        "median_house_value": np.where(price >= 500_000, SURVEY_CAP, price),
    }
    return pd.DataFrame(rows)[list(COLUMNS)]


def _places(rng: np.random.Generator, n: int) -> tuple[Values, Values]:
    """``n`` points on the mainland, most of them around the cities, at two decimals as in the data file."""
    weights = np.array([city.thousands for city in CITIES], dtype=float)
    centres = np.array([(city.longitude, city.latitude) for city in CITIES])
    (west, south), (east, north) = np.min(MAINLAND, axis=0), np.max(MAINLAND, axis=0)
    found: list[Point] = []
    while len(found) < n:
        draw = 2 * n
        city = rng.choice(len(CITIES), size=draw, p=weights / weights.sum())
        # The larger the city, the farther its suburbs: 8 km for the smallest, 30 for Los Angeles.
        reach = (5 + 3 * weights[city] ** 0.24) / KILOMETRES_PER_DEGREE * rng.exponential(1.3, size=draw)
        angle = rng.uniform(0, 2 * np.pi, size=draw)
        town = centres[city] + np.column_stack([reach * np.cos(angle) * 1.2, reach * np.sin(angle)])
        country = np.column_stack([rng.uniform(west, east, draw), rng.uniform(south, north, draw)])
        points = np.where(rng.random((draw, 1)) < _TOWN_SHARE, town, country).round(2)
        found += [(x, y) for x, y in points.tolist() if is_on_land(x, y)]
    longitude, latitude = np.array(found[:n]).T
    return longitude, latitude


def _sizes(rng: np.random.Generator, income: Values) -> dict[str, Values]:
    """Rooms, bedrooms, people and homes that fit each other: people live in homes, bedrooms are rooms."""
    n = len(income)
    households = np.clip(410 * np.exp(0.6 * rng.standard_normal(n)), 5, 6000).round()
    rooms_each = np.clip(5.0 + 0.45 * (income - 3.5) + 0.7 * rng.standard_normal(n), 2.0, 12.0)
    rooms = (households * rooms_each).round()
    bedrooms_each = np.clip(1.07 + 0.08 * rng.standard_normal(n), 0.8, 1.8)
    bedrooms = np.minimum((households * bedrooms_each).round(), rooms)
    people_each = np.clip(2.9 * np.exp(0.22 * rng.standard_normal(n)), 1.2, 8.0)
    missing = rng.random(n) < _MISSING_BEDROOMS
    return {
        "total_rooms": rooms,
        "total_bedrooms": np.where(missing, np.nan, bedrooms),
        "population": (households * people_each).round(),
        "households": households,
    }


def _smooth_field(rng: np.random.Generator, longitude: Values, latitude: Values) -> Values:
    """How well off a neighbourhood is: a sum of waves 20 to 100 km long, mean 0 and spread about 1."""
    waves = 24
    length = rng.uniform(20, 100, size=waves) / KILOMETRES_PER_DEGREE
    angle = rng.uniform(0, 2 * np.pi, size=waves)
    phase = rng.uniform(0, 2 * np.pi, size=waves)
    along = np.outer(longitude, np.cos(angle)) + np.outer(latitude, np.sin(angle))
    field: Values = np.sin(2 * np.pi * along / length + phase).sum(axis=1) * np.sqrt(2 / waves)
    return field


def _pull_of_cities(longitude: Values, latitude: Values) -> Values:
    """From 0 far from everything to 1 in the middle of Los Angeles: the strongest city's weight, fading in 30 km."""
    largest = max(city.thousands for city in CITIES)
    pulls = [
        (city.thousands / largest) ** 0.3
        * np.exp(-_distance_to([(city.longitude, city.latitude)], longitude, latitude) / 30)
        for city in CITIES
    ]
    strongest: Values = np.max(pulls, axis=0)
    return strongest


def _classes(coast_km: Values, bay_km: Values, on_island: npt.NDArray[np.bool_]) -> npt.NDArray[np.str_]:
    """The survey's location class, by distances at which the real classes part on average."""
    return np.select(
        [on_island, bay_km < 12, coast_km < 8, coast_km > 50],
        [OceanProximity.ISLAND, OceanProximity.NEAR_BAY, OceanProximity.NEAR_OCEAN, OceanProximity.INLAND],
        OceanProximity.ONE_HOUR_OCEAN,
    )


def _distance_to(points: tuple[Point, ...] | list[Point], longitude: Values, latitude: Values) -> Values:
    """Kilometres from each place to the nearest of ``points``."""
    east, north = np.array(points).T
    shrink = np.cos(np.radians(latitude))[:, None]
    squared = ((longitude[:, None] - east) * shrink) ** 2 + (latitude[:, None] - north) ** 2
    nearest: Values = KILOMETRES_PER_DEGREE * np.sqrt(squared.min(axis=1))
    return nearest
