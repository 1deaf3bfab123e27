"""Which rows are fitted and which are held out."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from core.data.demo import demo_rows
from core.data.split import split_rows
from core.domain.errors import InvalidSettings
from core.domain.house import RAW_COLUMNS, TARGET

DEMO = demo_rows(300)


def test_the_real_rows_split_into_16512_and_4128(real_rows: pd.DataFrame) -> None:
    split = split_rows(real_rows)
    assert (len(split.X_train), len(split.X_test)) == (16_512, 4_128)
    assert (len(split.y_train), len(split.y_test)) == (16_512, 4_128)


def test_all_207_missing_bedrooms_are_held_out(real_rows: pd.DataFrame) -> None:
    split = split_rows(real_rows)
    assert split.X_train["total_bedrooms"].isna().sum() == 0
    assert split.X_test["total_bedrooms"].isna().sum() == 207


def test_the_split_is_the_one_scikit_learn_users_make(real_rows: pd.DataFrame) -> None:
    theirs = train_test_split(real_rows[list(RAW_COLUMNS)], real_rows[TARGET], test_size=0.2, random_state=42)
    split = split_rows(real_rows)
    pd.testing.assert_frame_equal(split.X_train, theirs[0])
    pd.testing.assert_frame_equal(split.X_test, theirs[1])
    pd.testing.assert_series_equal(split.y_train, theirs[2])
    pd.testing.assert_series_equal(split.y_test, theirs[3])


def test_features_are_the_nine_raw_columns_in_order() -> None:
    split = split_rows(DEMO)
    assert tuple(split.X_train.columns) == tuple(split.X_test.columns) == RAW_COLUMNS


def test_the_name_tells_method_share_and_seed() -> None:
    assert split_rows(DEMO).name == "random_0.2_42"
    assert split_rows(DEMO, test_size=0.25, random_state=7).name == "random_0.25_7"


@given(st.floats(0.05, 0.95), st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_every_row_is_on_exactly_one_side_with_its_own_price(test_size: float, seed: int) -> None:
    split = split_rows(DEMO, test_size=test_size, random_state=seed)
    assert sorted([*split.X_train.index, *split.X_test.index]) == list(range(len(DEMO)))
    for features, prices in ((split.X_train, split.y_train), (split.X_test, split.y_test)):
        assert list(features.index) == list(prices.index)
        pd.testing.assert_series_equal(prices, DEMO[TARGET].loc[prices.index])
        pd.testing.assert_frame_equal(features, DEMO[list(RAW_COLUMNS)].loc[features.index])


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=10)
def test_the_same_seed_draws_the_same_rows(seed: int) -> None:
    first, second = split_rows(DEMO, random_state=seed), split_rows(DEMO, random_state=seed)
    assert list(first.X_test.index) == list(second.X_test.index)


@pytest.mark.parametrize("test_size", [0.001, 0.999])
def test_a_share_that_empties_one_side_is_refused(test_size: float) -> None:
    with pytest.raises(InvalidSettings, match="both sides need two"):
        split_rows(DEMO, test_size=test_size)
