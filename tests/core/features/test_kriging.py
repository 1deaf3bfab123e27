"""Kriging by the formula in its module, written out a second time for one house, and what it must always hold to."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from core.domain.house import NUMERIC_COLUMNS
from core.features.kriging import Kriging

ROWS = 36
"""Fewer than kriging asks for, so that all of them are neighbours."""

AT = {name: number for number, name in enumerate(NUMERIC_COLUMNS)}
LENGTHS = (3.65, 3.49, 4.52, 3.19, 4.03, 15.0)


@pytest.fixture(scope="module")
def table(real_rows: pd.DataFrame) -> pd.DataFrame:
    return real_rows.dropna().sample(ROWS + 5, random_state=3)


@pytest.fixture(scope="module")
def numbers(table: pd.DataFrame) -> np.ndarray:
    return table[list(NUMERIC_COLUMNS)].to_numpy(dtype=float)


@pytest.fixture(scope="module")
def logs(table: pd.DataFrame) -> np.ndarray:
    return np.log(table["median_house_value"].to_numpy(dtype=float))


def kind(row: np.ndarray) -> list[float]:
    rooms, households = row[AT["total_rooms"]], row[AT["households"]]
    return [
        math.log(row[AT["median_income"]]),
        row[AT["housing_median_age"]],
        math.log(rooms / households),
        math.log(row[AT["total_bedrooms"]] / rooms),
        math.log(row[AT["population"]] / households),
        math.log(households),
    ]


def covariance(one: np.ndarray, other: np.ndarray, deviation: np.ndarray) -> float:
    east = (one[AT["longitude"]] - other[AT["longitude"]]) * math.cos(math.radians(37.0))
    far = 111.2 * math.hypot(east, one[AT["latitude"]] - other[AT["latitude"]])
    apart = (np.array(kind(one)) - np.array(kind(other))) / (deviation * LENGTHS)
    unlike = float(apart @ apart)
    near = 0.195 * math.exp(-math.sqrt((far / 2.73) ** 2 + unlike))
    wide = 0.365 * math.exp(-math.sqrt((far / 384.0) ** 2 + unlike / 4))
    return near + wide + 0.638 * math.exp(-far / 114.0)


def test_the_price_is_that_of_the_kriging_system_with_its_constraint(numbers: np.ndarray, logs: np.ndarray) -> None:
    """Here the weights come from the bordered system, whose last row makes them add up to 1."""
    known, told = numbers[:ROWS], logs[:ROWS]
    deviation = np.array([kind(row) for row in known]).std(axis=0)
    system = np.ones((ROWS + 1, ROWS + 1))
    system[-1, -1] = 0.0
    system[:-1, :-1] = [[covariance(one, other, deviation) for other in known] for one in known]
    system[:-1, :-1] += 0.0416 * np.eye(ROWS)
    made = Kriging(known, told).of(numbers[ROWS:])
    for row, house in enumerate(numbers[ROWS:]):
        to_house = np.array([covariance(house, other, deviation) for other in known])
        weights = np.linalg.solve(system, np.append(to_house, 1.0))[:-1]
        assert weights.sum() == pytest.approx(1.0)
        assert made[row, 0] == pytest.approx(weights @ told, abs=1e-7)
        simple = np.linalg.solve(system[:-1, :-1], to_house)
        assert made[row, 1] == pytest.approx(0.195 + 0.365 + 0.638 - to_house @ simple, abs=1e-7)


def test_prices_twice_as_high_are_kriged_twice_as_high(numbers: np.ndarray, logs: np.ndarray) -> None:
    once, twice = (Kriging(numbers[:ROWS], told[:ROWS]).of(numbers[ROWS:]) for told in (logs, logs + math.log(2.0)))
    np.testing.assert_allclose(twice[:, 0] - once[:, 0], math.log(2.0), atol=1e-9)
    np.testing.assert_array_equal(twice[:, 1], once[:, 1])


def test_a_house_far_from_all_is_less_sure_than_one_among_them(numbers: np.ndarray, logs: np.ndarray) -> None:
    far = numbers[ROWS : ROWS + 1].copy()
    far[0, AT["longitude"]], far[0, AT["latitude"]] = -114.0, 42.5
    kriging = Kriging(numbers[:ROWS], logs[:ROWS])
    assert kriging.of(far)[0, 1] > kriging.of(numbers[:ROWS]).max(axis=0)[1]
    assert kriging.of(numbers[:0]).shape == (0, 2)
