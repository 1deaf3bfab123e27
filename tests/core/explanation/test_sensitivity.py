"""Curves pass through the price, ask for possible houses alone, and say what moves along."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.block_groups import BlockGroups
from core.domain.errors import InvalidHouse
from core.domain.house import FEATURES, NUMERIC_COLUMNS, House
from core.domain.hyperparameters import ModelFamily
from core.evaluation.intervals import Ranges
from core.explanation.axis_values import midpoints
from core.explanation.sensitivity import CURVE_VALUES, PLACE_VALUES, Curve, curves, surface
from core.features.direct import PLACES, HouseRows
from tests.core.explanation.conftest import SmallModel

NUMERIC = [name for name, feature in FEATURES.items() if feature.is_numeric]
AT = {name: number for number, name in enumerate(NUMERIC_COLUMNS)}


class Asked:
    """A model's prices, with every batch of rows it was asked for."""

    def __init__(self, model: SmallModel) -> None:
        self._route = model.route
        self.batches: list[HouseRows] = []

    def __call__(self, rows: HouseRows) -> np.ndarray:
        self.batches.append(rows)
        return self._route.prices(rows)


@st.composite
def any_house(draw: st.DrawFn) -> House:
    """Every house the domain allows."""
    values: dict[str, object] = {
        name: draw(st.floats(FEATURES[name].low, FEATURES[name].high)) for name in NUMERIC_COLUMNS
    }
    rooms = values["total_rooms"]
    assert isinstance(rooms, float)
    values["total_bedrooms"] = draw(st.none() | st.floats(1.0, max(1.0, min(rooms, 50_000.0))))
    values["ocean_proximity"] = draw(st.sampled_from(list(PLACES)))
    return House.from_mapping(values)


def by_name(found: tuple[Curve, ...]) -> dict[str, Curve]:
    return {curve.feature: curve for curve in found}


def price_of(model: SmallModel, house: House) -> float:
    return float(model.route.prices(HouseRows.from_houses([house]))[0])


@settings(max_examples=60)
@given(house=any_house())
def test_every_curve_of_any_house_passes_through_its_price(
    boosted: SmallModel, block_groups: BlockGroups, house: House
) -> None:
    asked = Asked(boosted)
    found = curves(house, asked, block_groups)
    assert [curve.feature for curve in found] == NUMERIC
    price = price_of(boosted, house)
    for curve in found:
        assert (np.diff(curve.values) > 0).all()
        assert curve.values.shape == curve.prices.shape == curve.shares.shape
        assert len(curve.values) <= (PLACE_VALUES if curve.feature in {"latitude", "longitude"} else CURVE_VALUES) + 1
        assert curve.here_price == pytest.approx(price)
        assert curve.here == getattr(house, curve.feature)
        if curve.here is not None:
            (here,) = np.flatnonzero(curve.values == curve.here)
            assert curve.prices[here] == pytest.approx(price)
    (rows,) = asked.batches
    for row, place in zip(rows.numbers, rows.places, strict=True):
        values = dict(zip(NUMERIC_COLUMNS, row.tolist(), strict=True))
        House.from_mapping({**values, "ocean_proximity": list(PLACES)[place]})  # refuses what is impossible


def test_a_curve_is_what_the_pipeline_says_of_each_house_on_it(
    family: ModelFamily, model_of: Callable[[ModelFamily], SmallModel], block_groups: BlockGroups
) -> None:
    model = model_of(family)
    house = block_groups.house(1_234)
    curve = by_name(curves(house, model.route.prices, block_groups))["median_income"]
    houses = [replace(house, median_income=float(value)) for value in curve.values]
    expected = model.pipeline.predict(HouseRows.from_houses(houses).frame())
    np.testing.assert_allclose(curve.prices, expected, rtol=1e-6)


def test_values_span_what_is_usual_and_shares_say_how_many_are_near(
    boosted: SmallModel, block_groups: BlockGroups
) -> None:
    found = by_name(curves(block_groups.house(1_234), boosted.route.prices, block_groups))
    for name, curve in found.items():
        assert len(curve.values) >= 20
        known = block_groups.numbers[:, AT[name]]
        assert curve.shares.sum() <= 1.0 + 1e-9
        if name not in {"total_rooms", "total_bedrooms"}:  # cut where the house's own other one forbids more
            assert curve.shares.sum() > 0.95
        edges = midpoints(curve.values)
        counted = [np.mean((known >= low) & (known < high)) for low, high in pairwise(edges)]
        np.testing.assert_allclose(curve.shares, np.array(counted) * len(known) / np.isfinite(known).sum(), atol=1e-9)


def test_bedrooms_stay_within_the_rooms(boosted: SmallModel, block_groups: BlockGroups) -> None:
    house = replace(House.typical(), total_rooms=900.0, total_bedrooms=400.0)
    found = by_name(curves(house, boosted.route.prices, block_groups))
    assert found["total_bedrooms"].values.max() == 900.0
    assert found["total_rooms"].values.min() == 400.0


def test_bedrooms_that_are_not_given_have_a_curve_and_follow_the_others(
    boosted: SmallModel, block_groups: BlockGroups
) -> None:
    house = replace(House.typical(), total_bedrooms=None)
    found = by_name(curves(house, boosted.route.prices, block_groups))
    assert found["total_bedrooms"].here is None
    assert found["total_bedrooms"].here_price == pytest.approx(price_of(boosted, house))
    assert "Bedrooms are not given" in found["total_rooms"].note
    assert found["median_income"].note == ""


def test_ocean_proximity_follows_the_place_and_the_note_says_so(boosted: SmallModel, block_groups: BlockGroups) -> None:
    house = replace(House.typical(), latitude=37.75, longitude=-122.45, ocean_proximity="NEAR BAY")
    asked = Asked(boosted)
    found = by_name(curves(house, asked, block_groups))
    assert found["longitude"].note == found["latitude"].note == "Ocean proximity follows the place."
    (rows,) = asked.batches
    moved = rows.numbers[:, AT["longitude"]] != house.longitude
    places = {list(PLACES)[number] for number in rows.places[moved]}
    assert {"NEAR BAY", "INLAND"} <= places
    np.testing.assert_array_equal(
        rows.places[moved],
        block_groups.ocean_proximity_at(rows.numbers[moved, AT["longitude"]], rows.numbers[moved, AT["latitude"]]),
    )
    still = (rows.numbers[:, [AT["longitude"], AT["latitude"]]] == [house.longitude, house.latitude]).all(axis=1)
    assert {list(PLACES)[number] for number in rows.places[still]} == {"NEAR BAY"}


def test_ranges_are_asked_once_for_all_rows_and_belong_to_their_values(
    boosted: SmallModel, block_groups: BlockGroups
) -> None:
    asked: list[HouseRows] = []

    def ranges(rows: HouseRows, prices: np.ndarray) -> Ranges:
        asked.append(rows)
        reach = 1_000.0 * (1.0 + rows.numbers[:, AT["median_income"]])
        return Ranges(prices - reach / 2, prices + reach / 2, prices - reach, prices + reach)

    house = House.typical()
    found = by_name(curves(house, boosted.route.prices, block_groups, ranges))
    assert len(asked) == 1
    income = found["median_income"]
    assert income.low is not None
    assert income.high is not None
    np.testing.assert_allclose(income.high - income.low, 2_000.0 * (1.0 + income.values))
    assert by_name(curves(house, boosted.route.prices, block_groups))["median_income"].low is None


def test_a_surface_holds_the_prices_of_both_features_and_leaves_out_the_impossible(
    boosted: SmallModel, block_groups: BlockGroups
) -> None:
    house = block_groups.house(1_234)
    found = surface(house, "total_rooms", "total_bedrooms", boosted.route.prices, block_groups, steps=12)
    assert found.prices.shape == found.is_rare.shape == (len(found.y_values), len(found.x_values))
    impossible = found.y_values[:, None] > found.x_values[None, :]
    assert impossible.any()
    np.testing.assert_array_equal(np.isnan(found.prices), impossible)
    assert found.here == (house.total_rooms, house.total_bedrooms)
    row, column = (
        int(np.flatnonzero(values == own)[0])
        for values, own in zip((found.y_values, found.x_values), (house.total_bedrooms, house.total_rooms), strict=True)
    )
    assert found.prices[row, column] == pytest.approx(price_of(boosted, house))
    assert not found.is_rare[row, column]
    assert found.is_rare[impossible & (found.y_values[:, None] > 4 * found.x_values[None, :])].all()


def test_a_surface_over_the_map_takes_each_places_ocean_proximity(
    boosted: SmallModel, block_groups: BlockGroups
) -> None:
    asked = Asked(boosted)
    found = surface(House.typical(), "longitude", "latitude", asked, block_groups, steps=10)
    assert found.note == "Ocean proximity follows the place."
    (rows,) = asked.batches
    assert len(set(rows.places.tolist())) >= 3
    assert found.is_rare.any()
    assert not found.is_rare.all()


def test_a_surface_wants_two_different_numeric_features(boosted: SmallModel, block_groups: BlockGroups) -> None:
    for x, y in (("median_income", "median_income"), ("median_income", "ocean_proximity"), ("pools", "latitude")):
        with pytest.raises(InvalidHouse, match=x):
            surface(House.typical(), x, y, boosted.route.prices, block_groups)
