"""The block groups answer what is near a place, what is usual, and which of them a house is like."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.block_groups import BlockGroups
from core.data.demo import demo_rows
from core.data.flat_map import are_on_land, flat_kilometres
from core.data.likeness import COORDINATES
from core.data.split import split_rows
from core.data.usual_values import QUANTITIES, RARE, RARE_RATIO, RATIOS, quantities
from core.domain.geography import is_on_land, kilometres
from core.domain.house import NUMERIC_COLUMNS, RAW_COLUMNS, TARGET, House, OceanProximity

PLACES = [place.value for place in OceanProximity]
SHARES = st.floats(0, 1)


@pytest.fixture(scope="module")
def block_groups(real_rows: pd.DataFrame) -> BlockGroups:
    return BlockGroups.of(real_rows, split_rows(real_rows).X_test.index, sha256="as tested", is_demo=False)


def made(places: list[tuple[float, float, str]]) -> BlockGroups:
    """One typical block group at each place, in the class given."""
    typical = House.typical().as_dict()
    rows = [
        {**typical, "longitude": east, "latitude": north, "ocean_proximity": name, TARGET: 1e5}
        for east, north, name in places
    ]
    return BlockGroups.of(pd.DataFrame(rows), pd.Index([0]), sha256="made", is_demo=True)


def test_a_row_is_the_house_of_its_nine_features(block_groups: BlockGroups, real_rows: pd.DataFrame) -> None:
    without_bedrooms = int(np.flatnonzero(real_rows["total_bedrooms"].isna())[0])
    for position in (0, 8_316, without_bedrooms, len(real_rows) - 1):
        row = real_rows.loc[position, list(RAW_COLUMNS)].to_dict()
        assert block_groups.house(position) == House.from_mapping(row)
    assert block_groups.house(without_bedrooms).total_bedrooms is None


def test_the_held_out_rows_are_those_of_the_split(block_groups: BlockGroups, real_rows: pd.DataFrame) -> None:
    split = split_rows(real_rows)
    assert np.flatnonzero(block_groups.is_held_out).tolist() == sorted(split.X_test.index)
    assert block_groups.fitted_on.tolist() == sorted(split.X_train.index)
    counts = split.X_train["ocean_proximity"].value_counts()
    assert block_groups.fitted_on_places.tolist() == [counts[place] for place in PLACES]


def test_where_all_rows_are_held_out_all_are_looked_at() -> None:
    alone = made([(-118.0, 34.0, "INLAND")])
    assert alone.fitted_on.tolist() == [0]
    assert alone.likeness.nearest(alone.numbers)[0].tolist() == [0.0]


@pytest.mark.parametrize("place", [(-118.49, 34.02), (-124.2, 41.9), (-116.9, 32.6), (-119.8, 36.7)])
def test_the_nearest_are_those_of_the_map(
    place: tuple[float, float], block_groups: BlockGroups, real_rows: pd.DataFrame
) -> None:
    away, positions = block_groups.nearest(*place, 20)
    assert away.shape == positions.shape == (1, 20)
    assert (np.diff(away[0]) >= 0).all()
    every = [kilometres(*place, *row) for row in real_rows[["longitude", "latitude"]].itertuples(index=False)]
    assert away[0] == pytest.approx([every[position] for position in positions[0]], rel=0.08, abs=1e-9)
    # One plane for the state is off by up to 8 % to the east, so what is left out is at most so much nearer.
    assert np.delete(every, positions[0]).min() >= 0.9 * away[0, -1]


def test_many_places_are_asked_at_once_and_no_more_neighbours_than_there_are() -> None:
    three = made([(-118.0, 34.0, "INLAND"), (-118.1, 34.0, "INLAND"), (-118.3, 34.0, "INLAND")])
    away, positions = three.nearest([-118.0, -118.3], [34.0, 34.0], 10)
    assert positions.tolist() == [[0, 1, 2], [2, 1, 0]]
    assert away[:, 0].tolist() == [0, 0]


def test_a_place_has_the_class_of_most_neighbours_and_the_nearest_decides_a_tie() -> None:
    around = made(
        [
            (-118.00, 34.0, "INLAND"),
            (-118.01, 34.0, "NEAR OCEAN"),
            (-118.02, 34.0, "<1H OCEAN"),
            (-118.03, 34.0, "NEAR OCEAN"),
            (-118.04, 34.0, "<1H OCEAN"),
            (-119.00, 34.0, "INLAND"),
        ]
    )
    assert around.place_at(-118.0, 34.0) is OceanProximity.NEAR_OCEAN
    assert around.place_at(-118.05, 34.0) is OceanProximity.ONE_HOUR_OCEAN


def test_nearly_every_real_block_group_has_the_class_of_its_neighbours(block_groups: BlockGroups) -> None:
    rows = block_groups.rows
    found = block_groups.ocean_proximity_at(rows["longitude"], rows["latitude"])
    assert (found == block_groups.place_numbers).mean() > 0.99


@given(st.sampled_from(NUMERIC_COLUMNS), SHARES)
def test_a_quantile_has_its_share_below(block_groups: BlockGroups, feature: str, share: float) -> None:
    below = block_groups.share_between(feature, -np.inf, block_groups.quantile(feature, share))
    assert below >= share - 1e-4
    assert block_groups.share_between(feature, -np.inf, np.inf) == 1


@given(st.sampled_from(NUMERIC_COLUMNS), SHARES, SHARES)
def test_shares_count_both_ends(
    block_groups: BlockGroups, real_rows: pd.DataFrame, feature: str, one: float, other: float
) -> None:
    low, high = sorted(block_groups.quantile(feature, share) for share in (one, other))
    known = real_rows[feature].dropna()
    assert float(block_groups.share_between(feature, low, high)) == pytest.approx(known.between(low, high).mean())


def test_the_usual_is_that_of_the_rows_a_model_is_fitted_on(block_groups: BlockGroups, real_rows: pd.DataFrame) -> None:
    usual, found = block_groups.usual, quantities(block_groups.numbers)
    training, ratio = found[block_groups.fitted_on], np.isin(QUANTITIES, list(RATIOS))
    assert (usual.least == training.min(axis=0)).all()
    assert (usual.most == training.max(axis=0)).all()
    for low, high, share in (
        (usual.low_90, usual.high_90, 0.9),
        (usual.low_99, usual.high_99, 0.99),
        (usual.rare_below, usual.rare_above, np.where(ratio, 1 - 2 * RARE_RATIO, 1 - 2 * RARE)),
    ):
        # Round values are shared by many rows, so an end may hold more than its share.
        inside = ((training >= low) & (training <= high)).mean(axis=0)
        assert (inside >= share - 5e-4).all()
        assert inside[ratio] == pytest.approx(np.broadcast_to(share, inside.shape)[ratio], abs=5e-4)
    rooms = real_rows["total_rooms"] / real_rows["households"]
    assert found[:, QUANTITIES.index("rooms_per_household")].tolist() == rooms.tolist()
    gaps = block_groups.nearest(real_rows["longitude"], real_rows["latitude"], 2)[0][:, 1]
    assert (gaps <= usual.gap_99).mean() == pytest.approx(0.99, abs=1e-3)
    assert usual.gap_99 < usual.gap_rare < gaps.max()


def test_a_row_that_is_fitted_on_is_like_itself_and_one_percent_of_the_held_out_are_like_none(
    block_groups: BlockGroups,
) -> None:
    likeness = block_groups.likeness
    distances, positions = likeness.nearest(block_groups.numbers)
    assert (distances[block_groups.fitted_on] == 0).all()
    assert not block_groups.is_held_out[positions].any()
    assert (distances[block_groups.is_held_out] > likeness.usual).mean() == pytest.approx(0.01, abs=0.004)


def test_the_differences_from_a_block_group_are_the_distance_to_it(block_groups: BlockGroups) -> None:
    for position in np.flatnonzero(block_groups.is_held_out)[:50]:
        row = block_groups.numbers[[position]]
        distances, found = block_groups.likeness.nearest(row)
        apart = block_groups.likeness.differences(row, int(found[0]))
        assert len(apart) == len(COORDINATES) + 1
        assert np.sqrt((apart**2).sum()) == pytest.approx(distances[0])


def test_bedrooms_that_are_not_known_are_taken_as_usual_for_such_sizes(block_groups: BlockGroups) -> None:
    known = block_groups.numbers[~np.isnan(block_groups.numbers).any(axis=1)]
    hidden = known.copy()
    hidden[:, NUMERIC_COLUMNS.index("total_bedrooms")] = np.nan
    scaled, guessed = (block_groups.likeness.spreads.scaled(numbers) for numbers in (known, hidden))
    assert np.isfinite(guessed).all()
    assert (guessed[:, :5] == scaled[:, :5]).all()
    error = np.abs(guessed[:, 5] - scaled[:, 5])
    assert np.median(error) < 0.6 * np.median(np.abs(scaled[:, 5]))


def test_invented_rows_serve_as_well() -> None:
    table = demo_rows(200)
    invented = BlockGroups.of(table, split_rows(table).X_test.index, sha256="", is_demo=True)
    assert invented.likeness.usual > 0
    assert len(invented.usual.most) == len(QUANTITIES)


@pytest.mark.parametrize("count", [3, 3_000])
def test_many_places_are_on_land_as_each_of_them_is(count: int) -> None:
    random = np.random.default_rng(count)
    longitude, latitude = random.uniform(-125, -114, count), random.uniform(32, 42.5, count)
    expected = [is_on_land(*place) for place in zip(longitude.tolist(), latitude.tolist(), strict=True)]
    assert are_on_land(longitude, latitude).tolist() == expected
    bay = np.column_stack([random.uniform(-122.6, -121.9, count), random.uniform(37.4, 38.2, count)])
    assert are_on_land(*bay.T).tolist() == [is_on_land(*place) for place in bay.tolist()]


def test_the_plane_is_right_to_eight_percent_all_over_the_state() -> None:
    for latitude in (32.5, 37.0, 42.0):
        flat = flat_kilometres([-121.0, -120.0], [latitude, latitude])
        assert np.hypot(*(flat[1] - flat[0])) == pytest.approx(kilometres(-121, latitude, -120, latitude), rel=0.08)
