"""Invented block groups: plausible, deterministic, and on the map."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import r2_score

from core.data.demo import DEMO_ROWS, demo_rows
from core.data.schema import validate_rows
from core.data.split import split_rows
from core.domain.geography import is_on_land
from core.domain.house import FEATURES, NUMERIC_COLUMNS, OceanProximity
from core.domain.money import SURVEY_CAP


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return demo_rows()


def test_the_demo_rows_pass_the_rules_of_real_ones(rows: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(validate_rows(rows, source="demo"), rows)
    assert len(rows) == DEMO_ROWS


def test_the_same_seed_gives_the_same_rows_and_another_seed_others(rows: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(demo_rows(), rows)
    assert not demo_rows(seed=7).equals(rows)


def test_every_block_group_lies_on_californian_land(rows: pd.DataFrame) -> None:
    places = rows[["longitude", "latitude"]].to_numpy().tolist()
    assert [place for place in places if not is_on_land(*place)] == []


def test_the_numbers_are_usual_ones(rows: pd.DataFrame) -> None:
    for name in NUMERIC_COLUMNS:
        feature = FEATURES[name]
        assert rows[name].dropna().between(feature.usual_low, feature.usual_high).mean() > 0.97, name


def test_sizes_fit_each_other(rows: pd.DataFrame) -> None:
    assert (rows["households"] <= rows["total_rooms"]).all()
    assert (rows["households"] <= rows["population"]).all()
    assert 4 < (rows["total_rooms"] / rows["households"]).median() < 7
    assert 2 < (rows["population"] / rows["households"]).median() < 4


def test_some_bedrooms_are_missing_as_in_the_census(rows: pd.DataFrame) -> None:
    assert 0.003 < rows["total_bedrooms"].isna().mean() < 0.03


def test_prices_are_capped_as_in_the_census(rows: pd.DataFrame) -> None:
    assert rows["median_house_value"].max() == SURVEY_CAP
    assert 0.002 < (rows["median_house_value"] == SURVEY_CAP).mean() < 0.1


def test_every_location_class_occurs_where_it_should(rows: pd.DataFrame) -> None:
    by_class = rows.groupby("ocean_proximity")
    assert set(by_class.groups) == {choice.value for choice in OceanProximity}
    bay, inland = by_class.get_group("NEAR BAY"), by_class.get_group("INLAND")
    assert bay["latitude"].between(37.2, 38.4).all()
    assert bay["longitude"].between(-122.8, -121.7).all()
    sacramento = inland["latitude"].between(38.4, 38.8) & inland["longitude"].between(-121.7, -121.2)
    assert sacramento.any()


def test_a_small_forest_learns_the_prices(rows: pd.DataFrame) -> None:
    split = split_rows(rows)
    columns = [name for name in NUMERIC_COLUMNS if name != "total_bedrooms"]
    forest = RandomForestRegressor(20, random_state=0).fit(split.X_train[columns], split.y_train)
    assert r2_score(split.y_test, forest.predict(split.X_test[columns])) > 0.5


@given(st.integers(50, 400), st.integers(0, 2**32 - 1))
@settings(max_examples=10)
def test_any_number_and_seed_give_valid_rows(n: int, seed: int) -> None:
    assert len(validate_rows(demo_rows(n, seed), source="demo")) == n
