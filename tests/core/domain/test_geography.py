"""The map agrees with where the census found people."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from core.domain.geography import BAY, CATALINA, CITIES, COAST, MAINLAND, City, is_on_land, kilometres, points_along


def test_outlines_are_closed() -> None:
    assert all(outline[0] == outline[-1] for outline in (MAINLAND, BAY, CATALINA))


def test_the_real_block_groups_lie_on_land_or_at_its_edge(real_rows: pd.DataFrame) -> None:
    places = real_rows[["longitude", "latitude"]].to_numpy().tolist()
    outside = [(east, north) for east, north in places if not is_on_land(east, north)]
    assert len(outside) < 0.01 * len(places)
    edge = points_along(MAINLAND, 2.0) + points_along(BAY, 2.0)
    assert max(min(kilometres(place[0], place[1], point[0], point[1]) for point in edge) for place in outside) < 9


@pytest.mark.parametrize("city", CITIES, ids=lambda city: city.name)
def test_every_city_is_on_land(city: City) -> None:
    assert is_on_land(city.longitude, city.latitude)


@pytest.mark.parametrize(
    ("name", "longitude", "latitude"),
    [
        ("the Pacific", -123.5, 36.0),
        ("the bay", -122.30, 37.65),
        ("Reno", -119.81, 39.53),
        ("Las Vegas", -115.14, 36.17),
        ("Tijuana", -117.04, 32.51),
        ("the channel off Catalina", -118.4, 33.6),
    ],
)
def test_what_is_not_californian_land_is_told_apart(name: str, longitude: float, latitude: float) -> None:
    assert not is_on_land(longitude, latitude), name


def test_distances_are_those_of_the_map() -> None:
    # Great-circle distance of Los Angeles and San Francisco by haversine, Earth's radius 6,371 km.
    assert kilometres(-118.25, 34.05, -122.42, 37.77) == pytest.approx(559.4, rel=0.005)


def test_dense_points_are_no_farther_apart_than_asked_and_keep_the_line() -> None:
    dense = points_along(COAST, 2.0)
    gaps = [kilometres(first[0], first[1], second[0], second[1]) for first, second in itertools.pairwise(dense)]
    assert max(gaps) <= 2.0 + 1e-9
    for point in COAST:
        assert np.abs(np.array(dense) - point).sum(axis=1).min() < 1e-9
