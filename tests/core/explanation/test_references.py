"""The block groups that stand for all: real ones, the same each time, and better than a draw."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.data.block_groups import BlockGroups
from core.explanation.group_shapley import moves_between_rows
from core.explanation.references import REFERENCES, reference_positions, reference_rows
from core.features.direct import HouseRows
from tests.core.explanation.conftest import SmallModel


def some(block_groups: BlockGroups, positions: np.ndarray) -> HouseRows:
    return HouseRows(block_groups.numbers[positions], block_groups.place_numbers[positions])


def test_they_are_rows_that_models_are_fitted_on_and_the_same_each_time(block_groups: BlockGroups) -> None:
    positions = reference_positions(block_groups)
    assert len(set(positions.tolist())) == REFERENCES
    assert not block_groups.is_held_out[positions].any()
    assert not np.isnan(reference_rows(block_groups).numbers).any()
    np.testing.assert_array_equal(positions, reference_positions(block_groups))


def test_parts_against_them_are_nearer_to_those_against_many_than_against_a_draw(
    block_groups: BlockGroups, boosted: SmallModel
) -> None:
    prices = boosted.route.prices
    random = np.random.default_rng(1)
    usable = np.flatnonzero(~block_groups.is_held_out & ~np.isnan(block_groups.numbers).any(axis=1))
    house = some(block_groups, np.array([12_345]))
    many = moves_between_rows(some(block_groups, random.choice(usable, 3_000, replace=False)), house, prices).mean(
        axis=0
    )

    def off(rows: HouseRows) -> float:
        return float(np.abs(moves_between_rows(rows, house, prices).mean(axis=0) - many).mean())

    draws = [off(some(block_groups, random.choice(usable, REFERENCES, replace=False))) for _ in range(15)]
    assert off(reference_rows(block_groups)) < 0.6 * np.median(draws)


def test_a_small_file_gives_what_it_has(real_rows: pd.DataFrame) -> None:
    few = BlockGroups.of(real_rows.head(12), real_rows.index[:2], sha256="few", is_demo=False)
    assert sorted(reference_positions(few)) == list(range(2, 12))


def test_equal_rows_are_no_obstacle(real_rows: pd.DataFrame) -> None:
    one = pd.concat([real_rows.head(1)] * 50, ignore_index=True)
    groups = BlockGroups.of(one, one.index[:5], sha256="equal", is_demo=False)
    assert len(set(reference_positions(groups).tolist())) == REFERENCES
