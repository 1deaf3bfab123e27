"""A house is the nine features, each within what is possible, or one error that names all that is wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.domain.errors import InvalidHouse
from core.domain.excerpts import quoted
from core.domain.house import FEATURES, NUMERIC_COLUMNS, RAW_COLUMNS, House, OceanProximity

NUMERIC = [FEATURES[name] for name in NUMERIC_COLUMNS]


@st.composite
def houses(draw: st.DrawFn) -> House:
    values: dict[str, object] = {
        feature.name: draw(st.floats(feature.low, feature.high)) for feature in NUMERIC if feature.name != "total_rooms"
    }
    bedrooms = draw(st.none() | st.just(values["total_bedrooms"]))
    values["total_bedrooms"] = bedrooms
    values["total_rooms"] = draw(st.floats(bedrooms or FEATURES["total_rooms"].low, FEATURES["total_rooms"].high))
    values["ocean_proximity"] = draw(st.sampled_from(OceanProximity))
    return House.from_mapping(values)


ANYTHING = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats()
    | st.text()
    | st.sampled_from([*OceanProximity, "NaN", "inf", "-5", " 3.5 ", "1e3"])
    | st.lists(st.integers(), max_size=2)
    | st.sampled_from([np.int64(7), np.float32(3.5), np.float64("nan")])
)


@example({"total_rooms": 5})  # fewer than the bedrooms it takes by default
@example({"ocean_proximity": 10**5_000})  # Python refuses to write it down
@example({"latitude": 10**5_000, "population": "9" * 100_000})
@example({"x" * 1_000_000: 1})
@given(st.dictionaries(st.sampled_from(RAW_COLUMNS), ANYTHING) | st.dictionaries(st.text(), ANYTHING, max_size=3))
def test_any_mapping_gives_a_valid_house_or_an_invalid_house(values):
    try:
        house = House.from_mapping(values)
    except InvalidHouse as error:
        refusal = error
    else:
        for feature in NUMERIC:
            value = getattr(house, feature.name)
            assert (value is None and feature.may_be_missing) or feature.low <= value <= feature.high
        assert house.ocean_proximity in list(OceanProximity)
        return
    assert refusal.remedy
    assert any(name in refusal.what or quoted(name) in refusal.what for name in values)
    assert len(refusal.what) < 2_000


@given(houses())
def test_a_house_survives_the_way_through_a_mapping(house):
    assert House.from_mapping(house.as_dict()) == house


@given(houses())
def test_a_house_survives_the_way_through_text(house):
    assert House.from_mapping({name: str(value) for name, value in house.as_dict().items()}) == house


@pytest.mark.parametrize("feature", NUMERIC, ids=lambda feature: feature.name)
def test_the_ends_of_a_range_are_inside_and_what_is_past_them_is_not(feature):
    roomy = {"total_rooms": FEATURES["total_rooms"].high, "total_bedrooms": None}
    for end, past in ((feature.low, -math.inf), (feature.high, math.inf)):
        assert getattr(House.from_mapping({**roomy, feature.name: end}), feature.name) == end
        with pytest.raises(InvalidHouse, match=f"{feature.name} is .*, outside {feature.low:g} to {feature.high:g}"):
            House.from_mapping({**roomy, feature.name: math.nextafter(end, past)})


@pytest.mark.parametrize("value", [math.inf, -math.inf, "many", True, [3.5], 10**400], ids=str)
@pytest.mark.parametrize("name", NUMERIC_COLUMNS)
def test_what_is_no_finite_number_is_refused_as_such(name, value):
    with pytest.raises(InvalidHouse, match=f"{name} is .*, not a number"):
        House.from_mapping({name: value})


def test_a_whole_number_too_large_for_a_float_is_refused_by_the_house_itself():
    with pytest.raises(InvalidHouse, match=r"population is 1000.*, not a number"):
        House(**{**House.typical().as_dict(), "population": 10**400})


@pytest.mark.parametrize("missing", [None, math.nan, "", "NaN", " none ", np.float64("nan")], ids=repr)
def test_bedrooms_alone_may_be_missing(missing):
    assert House.from_mapping({"total_bedrooms": missing}).total_bedrooms is None
    with pytest.raises(InvalidHouse, match="population is "):
        House.from_mapping({"population": missing})


def test_more_bedrooms_than_rooms_are_refused_with_both_figures():
    with pytest.raises(InvalidHouse, match="total_bedrooms is 900, more than the 800 of total_rooms"):
        House.from_mapping({"total_bedrooms": 900, "total_rooms": 800})
    assert House.from_mapping({"total_bedrooms": 800, "total_rooms": 800}).total_bedrooms == 800


def test_every_wrong_feature_is_named_not_the_first_alone():
    with pytest.raises(InvalidHouse) as refusal:
        House.from_mapping({"latitude": 90, "population": -1, "ocean_proximity": "LAKE"})
    assert all(name in refusal.value.what for name in ("latitude is 90", "population is -1", "'LAKE'"))


def test_an_unknown_location_class_is_answered_with_those_there_are():
    with pytest.raises(InvalidHouse, match="NEAR BAY, <1H OCEAN, INLAND, NEAR OCEAN, ISLAND"):
        House.from_mapping({"ocean_proximity": "near bay"})


def test_an_unknown_feature_is_named_beside_those_there_are():
    with pytest.raises(InvalidHouse, match=r"No such feature: 'colour', 'garage'\.") as refusal:
        House.from_mapping({"garage": 1, "colour": "red"})
    assert all(name in refusal.value.remedy for name in RAW_COLUMNS)


def test_numbers_from_a_table_are_taken_as_plain_numbers():
    house = House.from_mapping({"population": np.int64(700), "median_income": np.float32(2.5)})
    assert (house.population, house.median_income) == (700.0, 2.5)
    assert type(house.population) is float


def test_the_typical_house_is_every_default():
    assert House.typical().as_dict() == {name: FEATURES[name].default for name in RAW_COLUMNS}


@pytest.mark.parametrize("feature", NUMERIC, ids=lambda feature: feature.name)
def test_the_usual_lies_within_the_possible_and_holds_the_default(feature):
    assert feature.low <= feature.usual_low <= feature.default <= feature.usual_high <= feature.high
    assert feature.step > 0
    assert feature.unit
    assert feature.help


def test_the_columns_are_those_of_the_data_file_in_its_order(real_rows):
    assert list(real_rows.columns[:-2]) == [*RAW_COLUMNS[:-1]]
    assert set(RAW_COLUMNS) == set(FEATURES)
    assert set(real_rows["ocean_proximity"]) == {choice.value for choice in OceanProximity}


def test_every_real_block_group_is_a_house(real_rows):
    for row in real_rows[list(RAW_COLUMNS)].sample(2_000, random_state=1).to_dict("records"):
        House.from_mapping(row)


@pytest.mark.parametrize("feature", NUMERIC, ids=lambda feature: feature.name)
def test_the_usual_range_holds_about_99_percent_of_the_block_groups(feature, real_rows):
    known = real_rows[feature.name].dropna()
    assert known.between(feature.low, feature.high).all()
    assert known.between(feature.usual_low, feature.usual_high).mean() > 0.985
