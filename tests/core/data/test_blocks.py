"""Blocks of the map: whole on one side of every part, and rows of one place always together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.data.blocks import BLOCK_KILOMETRES, block_parts, spatial_blocks
from core.data.flat_map import flat_kilometres
from core.domain.errors import InvalidData

degrees = {"longitude": st.floats(-124.3, -114.3), "latitude": st.floats(32.5, 42.0)}


def places(count: int) -> st.SearchStrategy[tuple[np.ndarray, np.ndarray]]:
    return st.tuples(*(arrays(np.float64, count, elements=one) for one in degrees.values()))


@given(places(40))
def test_rows_of_one_place_share_a_block_and_no_block_is_wider_than_it_says(
    found: tuple[np.ndarray, np.ndarray],
) -> None:
    east, north = (np.concatenate([one, one]) for one in found)
    blocks = spatial_blocks(east, north)
    assert (blocks[:40] == blocks[40:]).all()
    kilometres = flat_kilometres(east, north)
    for block in np.unique(blocks):
        assert (np.ptp(kilometres[blocks == block], axis=0) <= BLOCK_KILOMETRES).all()


def test_places_farther_apart_than_a_block_is_long_lie_in_two() -> None:
    assert len(np.unique(spatial_blocks([-122.0, -122.0, -121.0], [37.0, 38.0, 37.0]))) == 3


def test_no_block_of_the_real_rows_is_on_both_sides_and_every_row_is_scored_once(real_rows: pd.DataFrame) -> None:
    blocks = spatial_blocks(real_rows["longitude"], real_rows["latitude"])
    coordinates = real_rows[["longitude", "latitude"]].apply(tuple, axis=1).to_numpy()
    scored: list[int] = []
    for fitted, outside in block_parts(blocks, 5, 42):
        assert not set(blocks[fitted]) & set(blocks[outside])
        assert not set(coordinates[fitted]) & set(coordinates[outside]), "six in ten rows share their coordinates"
        assert len(fitted) + len(outside) == len(real_rows)
        scored += outside.tolist()
    assert sorted(scored) == list(range(len(real_rows)))


def test_the_parts_follow_from_the_seed() -> None:
    blocks = np.repeat(np.arange(30), 4)

    def drawn(seed: int) -> list[list[int]]:
        return [outside.tolist() for _, outside in block_parts(blocks, 5, seed)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_fewer_blocks_than_parts_are_refused_with_both_figures() -> None:
    with pytest.raises(InvalidData, match="2 blocks of 25 km, and 5 parts"):
        block_parts(np.array([0, 0, 1, 1]), 5, 42)
