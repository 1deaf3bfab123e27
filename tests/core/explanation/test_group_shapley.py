"""Moves between two houses add up, are Shapley's, and leave out what does not differ."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from core.data.block_groups import BlockGroups
from core.domain.feature_groups import FeatureGroup
from core.domain.house import NUMERIC_COLUMNS, House
from core.explanation.group_shapley import MOST_ROWS, moves_between, moves_between_rows
from core.features.direct import HouseRows
from tests.core.explanation.conftest import SmallModel


def price_of(model: SmallModel, house: House) -> float:
    return float(model.route.prices(HouseRows.from_houses([house]))[0])


def mixed(start: House, end: House, groups: set[FeatureGroup]) -> HouseRows:
    """The start with the features of some groups taken from the end; it need not be possible as a house."""
    one, other = HouseRows.from_houses([start]), HouseRows.from_houses([end])
    taken = {name for group in groups for name in group.features}
    numbers = np.where([name in taken for name in NUMERIC_COLUMNS], other.numbers, one.numbers)
    return HouseRows(numbers, other.places if "ocean_proximity" in taken else one.places)


def by_all_orders(model: SmallModel, start: House, end: House) -> dict[FeatureGroup, float]:
    """Shapley's own definition: what each group brings when it comes, averaged over all orders of coming."""
    orders = list(permutations(FeatureGroup))
    worth = dict.fromkeys(FeatureGroup, 0.0)
    for order in orders:
        there: set[FeatureGroup] = set()
        before = float(model.route.prices(mixed(start, end, there))[0])
        for group in order:
            there.add(group)
            after = float(model.route.prices(mixed(start, end, there))[0])
            worth[group] += (after - before) / len(orders)
            before = after
    return worth


def test_the_moves_are_those_of_shapleys_definition(boosted: SmallModel, block_groups: BlockGroups) -> None:
    start, end = block_groups.house(100), block_groups.house(15_000)
    expected = by_all_orders(boosted, start, end)
    for move in moves_between(start, end, boosted.route.prices):
        assert move.dollars == pytest.approx(expected[move.group], abs=1e-6)


def test_the_moves_add_up_to_the_difference_of_the_two_prices(boosted: SmallModel, block_groups: BlockGroups) -> None:
    for position in range(0, 20_000, 1_000):
        start, end = block_groups.house(position), block_groups.house(20_639 - position)
        moves = moves_between(start, end, boosted.route.prices)
        assert [move.group for move in moves] == list(FeatureGroup)
        apart = price_of(boosted, end) - price_of(boosted, start)
        assert sum(move.dollars for move in moves) == pytest.approx(apart, abs=1e-6)


def test_the_way_back_is_worth_the_same_with_the_other_sign(boosted: SmallModel, block_groups: BlockGroups) -> None:
    start, end = block_groups.house(3), block_groups.house(9_000)
    there = moves_between(start, end, boosted.route.prices)
    back = moves_between(end, start, boosted.route.prices)
    assert [move.dollars for move in there] == pytest.approx([-move.dollars for move in back])


def test_a_group_that_does_not_differ_is_worth_nothing(boosted: SmallModel) -> None:
    house = House.typical()
    richer = replace(house, median_income=8.0)
    moves = {move.group: move.dollars for move in moves_between(house, richer, boosted.route.prices)}
    assert moves.pop(FeatureGroup.INCOME) == pytest.approx(price_of(boosted, richer) - price_of(boosted, house))
    assert list(moves.values()) == pytest.approx([0.0] * 4, abs=1e-6)


def test_many_pairs_give_what_each_gives_alone(boosted: SmallModel, block_groups: BlockGroups) -> None:
    houses = [block_groups.house(position) for position in range(0, 20_000, 2_500)]
    end = block_groups.house(77)
    together = moves_between_rows(HouseRows.from_houses(houses), HouseRows.from_houses([end]), boosted.route.prices)
    alone = [[move.dollars for move in moves_between(house, end, boosted.route.prices)] for house in houses]
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_a_long_list_is_asked_in_parts(possible: HouseRows) -> None:
    asked: list[int] = []

    def prices(rows: HouseRows) -> np.ndarray:
        asked.append(len(rows))
        return rows.numbers[:, 0] * rows.numbers[:, 7]

    end = HouseRows(possible.numbers[:1], possible.places[:1])
    moves = moves_between_rows(possible, end, prices)
    assert len(asked) > 1
    assert max(asked) <= MOST_ROWS
    assert sum(asked) == 32 * len(possible)
    np.testing.assert_allclose(moves.sum(axis=1), prices(end) - prices(possible), atol=1e-6)
