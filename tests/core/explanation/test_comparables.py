"""Comparable areas are the block groups most like a house, and the gap to the estimate is explained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.block_groups import BlockGroups
from core.domain.errors import NotFound
from core.domain.feature_groups import FeatureGroup
from core.domain.geography import kilometres
from core.domain.house import House
from core.domain.money import SURVEY_CAP
from core.domain.reasons import Contribution
from core.explanation.comparables import COUNT, Comparable, _unlikeness, comparables, comparables_sentence
from core.features.direct import HouseRows
from tests.core.explanation.conftest import SmallModel

TYPICAL = House.typical()


def price_of(model: SmallModel, house: House) -> float:
    return float(model.route.prices(HouseRows.from_houses([house]))[0])


def no_prices(rows: HouseRows) -> np.ndarray:
    return np.zeros(len(rows))


def ids(found: Sequence[Comparable]) -> list[int]:
    return [one.row_id for one in found]


def made(recorded: float, estimate: float, price: float, *, is_this_house: bool = False) -> Comparable:
    """A comparable whose whole difference to the house is its income."""
    moves = tuple(
        Contribution(group, price - estimate if group is FeatureGroup.INCOME else 0.0) for group in FeatureGroup
    )
    return Comparable(1, TYPICAL, 1.0, 1.0, recorded, estimate, True, moves, is_this_house)


def test_they_come_most_like_first_with_what_the_survey_recorded_there(
    block_groups: BlockGroups, boosted: SmallModel
) -> None:
    found = comparables(TYPICAL, price_of(boosted, TYPICAL), boosted.route.prices, block_groups)
    assert len(found) == COUNT
    assert [one.unlikeness for one in found] == sorted(one.unlikeness for one in found)
    for one in found:
        assert one.house == block_groups.house(one.row_id)
        assert one.recorded == block_groups.recorded[one.row_id]
        assert one.is_held_out == block_groups.is_held_out[one.row_id]
        place = (one.house.longitude, one.house.latitude)
        assert one.kilometres == kilometres(TYPICAL.longitude, TYPICAL.latitude, *place)
        assert one.kilometres < 20
    assert not any(one.is_this_house for one in found)


def test_the_moves_add_up_and_the_estimate_is_the_models_own(
    model_of: object, family: object, block_groups: BlockGroups
) -> None:
    model: SmallModel = model_of(family)  # type: ignore[operator]
    house = replace(TYPICAL, median_income=6.0, total_bedrooms=None)
    price = price_of(model, house)
    for one in comparables(house, price, model.route.prices, block_groups):
        assert [move.group for move in one.moves] == list(FeatureGroup)
        assert one.estimate + sum(move.dollars for move in one.moves) == pytest.approx(price, abs=1e-6)
        assert one.estimate == pytest.approx(price_of(model, one.house), abs=1e-4)
        assert one.left_over == one.recorded - one.estimate


def test_a_block_group_finds_itself_first_and_is_recognised(block_groups: BlockGroups) -> None:
    without_bedrooms = np.flatnonzero(np.isnan(block_groups.numbers).any(axis=1))[:5].tolist()
    for position in (0, 8_316, 20_639, *without_bedrooms):
        found = comparables(block_groups.house(position), 2e5, no_prices, block_groups)
        assert (found[0].row_id, found[0].unlikeness, found[0].is_this_house) == (position, 0, True)
        assert not any(one.is_this_house for one in found[1:])


def test_the_same_place_in_another_class_is_not_the_house_itself(block_groups: BlockGroups) -> None:
    house = replace(block_groups.house(0), ocean_proximity="INLAND")
    found = comparables(house, 2e5, no_prices, block_groups)
    assert (found[0].row_id, found[0].unlikeness, found[0].is_this_house) == (0, 0, False)


def test_the_place_of_a_dropped_row_goes_to_the_next(block_groups: BlockGroups) -> None:
    more = ids(comparables(TYPICAL, 2e5, no_prices, block_groups, count=COUNT + 2))
    dropped = {more[0], more[3]}
    found = ids(comparables(TYPICAL, 2e5, no_prices, block_groups, dropped=dropped))
    assert found == [row for row in more if row not in dropped]


def test_a_pinned_row_is_always_there_in_its_rank(block_groups: BlockGroups) -> None:
    plain = ids(comparables(TYPICAL, 2e5, no_prices, block_groups))
    found = comparables(TYPICAL, 2e5, no_prices, block_groups, pinned=[20_000, plain[1]], dropped=[20_000])
    assert ids(found) == [*plain[: COUNT - 1], 20_000]
    assert found[-1].unlikeness > found[-2].unlikeness


def test_more_pinned_rows_than_asked_for_are_all_shown(block_groups: BlockGroups) -> None:
    found = comparables(TYPICAL, 2e5, no_prices, block_groups, count=2, pinned=[1, 2, 3])
    assert sorted(ids(found)) == [1, 2, 3]
    assert comparables(TYPICAL, 2e5, no_prices, block_groups, count=0) == ()


def test_a_pinned_row_that_is_not_there_is_refused_and_a_dropped_one_is_not_missed(block_groups: BlockGroups) -> None:
    with pytest.raises(NotFound, match=r"no row 99,999\.") as refusal:
        comparables(TYPICAL, 2e5, no_prices, block_groups, pinned=[5, 99_999])
    assert refusal.value.remedy == "Its rows are 0 to 20,639."
    assert len(comparables(TYPICAL, 2e5, no_prices, block_groups, dropped=[99_999])) == COUNT


@settings(max_examples=20)
@given(st.integers(0, 20_639), st.sets(st.integers(0, 20_639), max_size=5), st.sets(st.integers(0, 20_639), max_size=5))
def test_whatever_is_dropped_and_pinned_the_rest_are_the_most_like(
    block_groups: BlockGroups, position: int, dropped: set[int], pinned: set[int]
) -> None:
    house = block_groups.house(position)
    found = ids(comparables(house, 2e5, no_prices, block_groups, dropped=dropped, pinned=pinned))
    assert len(found) == len(set(found)) == COUNT
    assert pinned <= set(found)
    assert not set(found) & (dropped - pinned)
    unlikeness = _unlikeness(HouseRows.from_houses([house]), block_groups)
    left_out = np.delete(unlikeness, [*found, *dropped])
    assert max(unlikeness[row] for row in found if row not in pinned) <= left_out.min()


def test_place_and_features_together_say_more_than_either(block_groups: BlockGroups) -> None:
    training = block_groups.fitted_on
    errors: dict[str, list[float]] = {"both": [], "place": []}
    for position in training[::40]:
        others = training[training != position]
        row = block_groups.numbers[[position]]
        both = _unlikeness(HouseRows(row, block_groups.place_numbers[[position]]), block_groups)[others]
        near = np.hypot(*(block_groups.numbers[others, :2] - row[0, :2]).T)
        for name, distances in (("both", both), ("place", near)):
            most_like = others[np.argpartition(distances, COUNT)[:COUNT]]
            errors[name].append(abs(block_groups.recorded[position] - np.median(block_groups.recorded[most_like])))
    assert np.mean(errors["both"]) < 0.88 * np.mean(errors["place"])  # 0.81 over 3,000 rows


def test_the_sentence_says_what_was_recorded_how_the_estimate_compares_and_why() -> None:
    found = [made(recorded, 195_000, 226_300) for recorded in (180_000, 200_000, 228_000, 260_000)]
    assert comparables_sentence(found, 226_300) == (
        "In the 4 comparable areas the survey recorded medians around $214,000 ($180,000 to $260,000); the estimate, "
        "$226,300, is $12,300 (6 %) above it. By the model what sets this house apart is, on average, median income "
        "(+$31,300); the survey recorded $22,000 more there than the model explains."
    )


def test_the_sentence_leaves_the_block_group_itself_out() -> None:
    found = [made(100_000, 200_000, 200_000, is_this_house=True), made(190_000, 200_000, 200_100)]
    assert comparables_sentence(found, 200_100) == (
        "In the one comparable area the survey recorded a median of $190,000; the estimate, $200,100, is $10,100 (5 %) "
        "above it. By the model little sets this house apart; the survey recorded $10,000 less there than the "
        "model explains."
    )
    assert comparables_sentence(found[:1], 200_100) == "There is no comparable area to set beside the estimate."


def test_the_sentence_of_a_small_gap_and_of_none() -> None:
    found = [made(200_000, 200_000, 200_000), made(200_000, 200_000, 200_000)]
    assert "is $400 (less than 1 %) below it." in comparables_sentence(found, 199_600)
    assert "the estimate, $200,000, is the same." in comparables_sentence(found, 200_000)


@pytest.mark.parametrize(("recorded", "price"), [(SURVEY_CAP, 300_000), (300_000, 499_000)])
def test_above_the_surveys_cap_no_gap_is_claimed(recorded: float, price: float) -> None:
    text = comparables_sentence([made(recorded, 300_000, price)] * 3, price)
    assert "What lies above the survey's cap cannot be told apart." in text
    assert "500,001" not in text


def test_no_sentence_speaks_of_sales(block_groups: BlockGroups, boosted: SmallModel) -> None:
    for position in range(0, 20_000, 2_500):
        house = block_groups.house(position)
        price = price_of(boosted, house)
        text = comparables_sentence(comparables(house, price, boosted.route.prices, block_groups), price)
        assert "sale" not in text.lower()
        assert "sold" not in text.lower()


def test_the_sentence_counts_the_others_where_the_block_group_itself_is_listed_with_them() -> None:
    found = [made(100_000, 200_000, 200_000, is_this_house=True), *(made(190_000, 200_000, 200_100) for _ in range(2))]
    assert comparables_sentence(found, 200_100).startswith("In the 2 other comparable areas the survey recorded")
