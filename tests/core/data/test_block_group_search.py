"""A real block group is found by what it is like, by place, or by chance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.data.block_group_search import Criteria, describe, draw, near, nearest_to, search
from core.data.block_groups import BlockGroups
from core.data.split import split_rows
from core.domain.errors import InvalidFilter, NotFound
from core.domain.geography import CITIES, kilometres
from core.domain.money import SURVEY_CAP


@pytest.fixture(scope="module")
def block_groups(real_rows: pd.DataFrame) -> BlockGroups:
    return BlockGroups.of(real_rows, split_rows(real_rows).X_test.index, sha256="as tested", is_demo=False)


def test_without_criteria_every_block_group_is_found(block_groups: BlockGroups) -> None:
    assert search(block_groups, Criteria()).tolist() == list(range(20_640))


def test_what_is_found_meets_every_criterion_and_nothing_else_does(
    block_groups: BlockGroups, real_rows: pd.DataFrame
) -> None:
    fresno = next(city for city in CITIES if city.name == "Fresno")
    away = np.array(
        [
            kilometres(fresno.longitude, fresno.latitude, *place)
            for place in real_rows[["longitude", "latitude"]].to_numpy().tolist()
        ]
    )
    expected = np.flatnonzero(
        (real_rows["ocean_proximity"] == "INLAND")
        & real_rows["median_house_value"].between(50_000, 90_000)
        & real_rows["median_income"].between(1.5, 4)
        & real_rows["housing_median_age"].between(20, 40)
        & (away <= 25)
        & block_groups.is_held_out
    )
    found = search(
        block_groups,
        Criteria(
            region="INLAND",
            price_from=50_000,
            price_to=90_000,
            income_from=1.5,
            income_to=4,
            age_from=20,
            age_to=40,
            city="Fresno",
            within_km=25,
            held_out_only=True,
        ),
    )
    assert len(found) > 10
    assert found.tolist() == expected.tolist()


def test_the_ends_of_a_range_are_included(block_groups: BlockGroups) -> None:
    capped = search(block_groups, Criteria(price_from=SURVEY_CAP, price_to=SURVEY_CAP))
    assert len(capped) == 965


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"region": "LAKE"}, "No such region: LAKE"),
        ({"city": "Gotham"}, "No such city: Gotham"),
        ({"price_from": 3e5, "price_to": 2e5}, "recorded price is to be from 300,000 to 200,000"),
        ({"age_from": 30, "age_to": 20}, "age is to be from 30 to 20"),
    ],
)
def test_what_nothing_can_meet_is_refused(wrong: dict[str, object], what: str) -> None:
    with pytest.raises(InvalidFilter, match=what) as refusal:
        Criteria(**wrong)  # type: ignore[arg-type]
    assert refusal.value.remedy


def test_chance_draws_the_same_for_the_same_seed_and_meets_the_criteria(block_groups: BlockGroups) -> None:
    criteria = Criteria(region="ISLAND")
    islands = set(search(block_groups, criteria).tolist())
    drawn = [draw(block_groups, criteria, seed) for seed in range(40)]
    assert drawn == [draw(block_groups, criteria, seed) for seed in range(40)]
    assert set(drawn) == islands


def test_a_draw_from_nothing_is_refused(block_groups: BlockGroups) -> None:
    with pytest.raises(NotFound, match="No block group meets all criteria"):
        draw(block_groups, Criteria(region="ISLAND", city="Fresno"), 1)


def test_the_nearest_to_a_block_groups_own_place_is_the_first_there(
    block_groups: BlockGroups, real_rows: pd.DataFrame
) -> None:
    first = ~real_rows.duplicated(["longitude", "latitude"])
    for position in np.flatnonzero(first)[::1_500]:
        row = real_rows.loc[position]
        assert nearest_to(block_groups, row["longitude"], row["latitude"]) == position
    twin = real_rows[~first].iloc[0]
    assert first[nearest_to(block_groups, twin["longitude"], twin["latitude"])]


def test_a_block_group_is_described_by_place_price_and_whether_it_was_held_out(
    block_groups: BlockGroups, real_rows: pd.DataFrame
) -> None:
    assert describe(block_groups, 1_234) == (
        "Block group 1,234: near Modesto, 90 km; recorded $155,800; the model was fitted on it"
    )
    capped = int(np.flatnonzero(block_groups.is_held_out & (real_rows["median_house_value"] == SURVEY_CAP))[0])
    assert describe(block_groups, capped).endswith("; recorded $500,000 or more; held out")


@pytest.mark.parametrize("city", CITIES, ids=lambda city: city.name)
def test_a_citys_centre_is_near_it(city: object) -> None:
    assert near(city.longitude, city.latitude) == f"near {city.name}, 0 km"  # type: ignore[attr-defined]
