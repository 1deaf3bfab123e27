"""Which column is which: by the name, never against what somebody chose, never by a name of another unit."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.errors import InvalidData
from core.domain.house import RAW_COLUMNS
from core.domain.house_columns import ColumnMapping, guess_columns, map_columns

AS_WRITTEN = {
    "Longitude": "longitude",
    "LAT": "latitude",
    "Housing Median Age": "housing_median_age",
    "total-rooms": "total_rooms",
    "TotalBedrooms": "total_bedrooms",
    "population": "population",
    "HouseHolds ": "households",
    "MedInc": "median_income",
    "ocean.proximity": "ocean_proximity",
}


@pytest.mark.parametrize(
    ("name", "feature"),
    [
        *AS_WRITTEN.items(),
        ("lng", "longitude"),
        ("lon", "longitude"),
        ("age", "housing_median_age"),
        ("Rooms", "total_rooms"),
        ("bedrooms", "total_bedrooms"),
        ("income", "median_income"),
    ],
)
def test_a_column_is_found_whatever_its_case_punctuation_or_usual_name(name: str, feature: str) -> None:
    assert guess_columns([name, "id"]).columns[feature] == name


@pytest.mark.parametrize("name", ["AveRooms", "AveBedrms", "AveOccup", "income_usd", "ocean_km"])
def test_a_name_of_another_unit_is_no_guess(name: str) -> None:
    assert set(guess_columns([name]).columns.values()) <= {None}


@given(st.randoms(use_true_random=False))
def test_the_order_of_the_columns_does_not_matter(luck: random.Random) -> None:
    names = [*AS_WRITTEN, "id", "note"]
    luck.shuffle(names)
    mapping = map_columns(names)
    assert {mapping[feature]: feature for feature in RAW_COLUMNS} == AS_WRITTEN


def test_the_nearer_name_wins_and_equally_near_ones_are_refused_by_name() -> None:
    assert map_columns([*RAW_COLUMNS, "lat", "Latitude"])["latitude"] == "latitude"
    others = [name for name in RAW_COLUMNS if name != "latitude"]
    assert map_columns([*others, "lat", "Latitude"])["latitude"] == "Latitude"
    with pytest.raises(InvalidData, match=r"'Latitude', 'LATITUDE' may each be latitude") as refusal:
        map_columns([*others, "Latitude", "LATITUDE"])
    assert "--map latitude=" in refusal.value.remedy
    assert map_columns([*others, "Latitude", "LATITUDE"], {"latitude": "LATITUDE"})["latitude"] == "LATITUDE"


def test_what_is_missing_is_named_and_only_bedrooms_may_be_left_out() -> None:
    without = [name for name in RAW_COLUMNS if name not in ("households", "total_bedrooms")]
    with pytest.raises(InvalidData, match="no column for total_bedrooms, households"):
        map_columns(without)
    with pytest.raises(InvalidData, match="no column for total_bedrooms") as refusal:
        map_columns([*without, "hh"])
    assert "--map total_bedrooms=" in refusal.value.remedy
    mapping = map_columns([*without, "hh"], {"total_bedrooms": ""})
    assert mapping["total_bedrooms"] is None
    assert mapping.renamed == (("households", "hh"),)
    with pytest.raises(InvalidData, match="cannot be priced without households"):
        map_columns(RAW_COLUMNS, {"households": None})


def test_a_choice_that_cannot_be_is_refused() -> None:
    for chosen, words in (
        ({"rooms": "total_rooms"}, "No such feature: 'rooms'"),
        ({"households": "HH"}, "no column 'HH'"),
        ({"households": "population", "population": "population"}, "more than one feature"),
    ):
        with pytest.raises(InvalidData, match=words):
            map_columns(RAW_COLUMNS, chosen)


def test_a_chosen_column_is_no_guess_for_another_feature() -> None:
    others = [name for name in RAW_COLUMNS if name not in ("population", "households")]
    mapping = map_columns([*others, "people", "population"], {"households": "population"})
    assert (mapping["households"], mapping["population"]) == ("population", "people")


@given(st.lists(st.text(max_size=60), max_size=30, unique=True))
def test_any_names_are_mapped_or_refused_in_a_few_words(names: list[str]) -> None:
    told = ""
    try:
        mapping = map_columns(names)
        assert {name for name in mapping.columns if name is not None} <= set(names)
    except InvalidData as refusal:
        told = str(refusal)
    assert len(told) < 4_000


def test_a_mapping_is_the_same_after_its_payload() -> None:
    mapping = map_columns([*AS_WRITTEN])
    assert ColumnMapping.from_payload(mapping.as_payload()) == mapping
