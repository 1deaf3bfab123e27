"""Parts of the held-out rows: which rows are in them, and what is said about few of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.split import split_rows
from core.domain.house import OceanProximity
from core.domain.money import SURVEY_CAP
from core.evaluation.evaluate import score
from core.evaluation.segments import (
    FEWEST_ROWS,
    Segment,
    SegmentKind,
    map_cells,
    rmse_by_cell,
    rmse_of,
    segment_differences,
    segments_by_cap,
    segments_by_price,
    segments_by_region,
)
from core.evaluation.significance import paired_bootstrap

PRICES = st.lists(st.floats(14_999, 600_000) | st.just(SURVEY_CAP), min_size=1, max_size=60)


@pytest.fixture(scope="module")
def held_out(real_rows: pd.DataFrame) -> pd.DataFrame:
    split = split_rows(real_rows)
    return split.X_test.assign(price=split.y_test)


def whole(segments: tuple[Segment, ...]) -> list[int]:
    return sorted(np.concatenate([segment.positions for segment in segments]).tolist())


@given(PRICES)
def test_every_row_is_in_one_price_band_and_on_one_side_of_the_cap(prices: list[float]) -> None:
    for segments in (segments_by_price(prices), segments_by_cap(prices)):
        assert whole(segments) == list(range(len(prices)))
        assert all(segment.rows for segment in segments)


def test_price_bands_are_those_an_analyst_reads() -> None:
    prices = [99_999, 100_000, 149_999, 150_000, 399_999, 400_000, 500_000, 500_001]
    found = {segment.name: segment.positions.tolist() for segment in segments_by_price(prices)}
    assert found == {
        "under $100,000": [0],
        "$100,000 to $150,000": [1, 2],
        "$150,000 to $200,000": [3],
        "$300,000 to $400,000": [4],
        "$400,000 and more, not capped": [5, 6],
        "capped at $500,001": [7],
    }


def test_capped_rows_stand_apart() -> None:
    found = {segment.name: segment.positions.tolist() for segment in segments_by_cap([500_000, 500_001, 1e5])}
    assert found == {"without capped rows": [0, 2], "capped rows only": [1]}


def test_the_real_regions_come_in_the_surveys_order_and_hold_every_row(held_out: pd.DataFrame) -> None:
    segments = segments_by_region(held_out["ocean_proximity"].tolist())
    assert [segment.name for segment in segments] == [region.value for region in OceanProximity]
    assert {segment.kind for segment in segments} == {SegmentKind.REGION}
    assert whole(segments) == list(range(len(held_out)))
    counts = held_out["ocean_proximity"].value_counts()
    assert all(segment.rows == counts[segment.name] for segment in segments)


def test_the_islands_have_a_count_and_no_difference(held_out: pd.DataFrame) -> None:
    actual = held_out["price"].to_numpy()
    by_name = {one.name: one for one in segments_by_region(held_out["ocean_proximity"].tolist())}
    better, worse = actual + 1.0, actual + 50_000.0
    island = by_name[OceanProximity.ISLAND]
    assert 0 < island.rows < FEWEST_ROWS
    assert segment_differences(island, actual, worse, [better]) == ()
    assert segment_differences(by_name[OceanProximity.INLAND], actual, worse, [better])[0].high < -49_000


def test_a_difference_on_a_segment_is_that_of_its_rows_alone() -> None:
    random = np.random.default_rng(2)
    actual = random.uniform(2e4, 5e5, 600)
    base, other = (actual + random.normal(0, noise, 600) for noise in (4e4, 5e4))
    for segment in segments_by_price(actual):
        found = segment_differences(segment, actual, base, [other])
        rows = segment.positions
        assert found == ((paired_bootstrap(actual[rows], other[rows], base[rows]),) if len(rows) >= FEWEST_ROWS else ())


def test_the_rmse_of_many_models_is_that_of_each() -> None:
    random = np.random.default_rng(3)
    actual = random.uniform(2e4, 5e5, 50)
    predicted = actual + random.normal(0, 4e4, (3, 50))
    assert rmse_of(actual, predicted).tolist() == pytest.approx([score(actual, one).rmse for one in predicted])


@given(
    st.lists(st.tuples(st.floats(-124.4, -114.3), st.floats(32.5, 42)), min_size=1, max_size=80),
    st.integers(1, 5),
)
def test_a_cell_holds_the_rows_near_its_centre(places: list[tuple[float, float]], fewest: int) -> None:
    longitude, latitude = np.array(places).T
    cells = map_cells(longitude, latitude, fewest=fewest)
    assert all(count >= fewest for count in cells.rows)
    assert np.bincount(cells.cell_of[cells.cell_of >= 0], minlength=len(cells.rows)).tolist() == cells.rows.tolist()
    for place, cell in enumerate(cells.cell_of):
        if cell >= 0:
            assert abs(longitude[place] - cells.longitude[cell]) <= cells.degrees / 2 + 1e-9
            assert abs(latitude[place] - cells.latitude[cell]) <= cells.degrees / 2 + 1e-9


def test_rows_in_sparse_cells_are_in_none() -> None:
    cells = map_cells([-120.1, -120.2, -118.1], [36.1, 36.2, 34.1], fewest=2)
    assert cells.cell_of.tolist() == [0, 0, -1]
    assert (cells.longitude.tolist(), cells.latitude.tolist(), cells.rows.tolist()) == ([-120.25], [36.25], [2])


def test_the_error_of_a_cell_is_that_of_its_rows(held_out: pd.DataFrame) -> None:
    actual = held_out["price"].to_numpy()
    predicted = actual + np.random.default_rng(4).normal(0, 4e4, len(actual))
    cells = map_cells(held_out["longitude"], held_out["latitude"])
    rmse = rmse_by_cell(cells, actual, {"one": predicted})["one"]
    assert len(rmse) == len(cells.rows) > 30
    for cell in (0, len(rmse) - 1):
        rows = cells.cell_of == cell
        assert rmse[cell] == pytest.approx(score(actual[rows], predicted[rows]).rmse)
