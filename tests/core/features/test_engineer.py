"""Missing bedrooms are estimated, ratios are added, and neither depends on how the rows are laid out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from core.data.demo import demo_rows
from core.domain.errors import InvalidData
from core.domain.house import RAW_COLUMNS, TARGET
from core.features.engineer import RATIOS, BedroomImputer, FeatureEngineer

RAW = list(RAW_COLUMNS)
DEMO = demo_rows(200)[RAW]


@pytest.fixture(scope="module")
def known(real_rows: pd.DataFrame) -> pd.DataFrame:
    """The real rows that have bedrooms, without the price."""
    return real_rows.loc[real_rows["total_bedrooms"].notna(), RAW]


def without_bedrooms(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(total_bedrooms=np.nan)


def relative_error(estimated: pd.Series, actual: pd.Series) -> float:
    return float(np.median(np.abs(estimated - actual) / actual))


def test_hidden_bedrooms_are_found_to_a_few_percent_where_the_median_is_far_off(known: pd.DataFrame) -> None:
    shuffled = known.sample(frac=1.0, random_state=1)
    shown, hidden = shuffled.iloc[:15_000], shuffled.iloc[15_000:]
    filled = BedroomImputer().fit(shown).transform(without_bedrooms(hidden))["total_bedrooms"]
    actual = hidden["total_bedrooms"]
    constant = pd.Series(shown["total_bedrooms"].median(), index=actual.index)
    assert relative_error(filled, actual) < 0.12
    assert relative_error(filled, actual) < 0.4 * relative_error(constant, actual)


def test_every_missing_value_of_the_real_rows_is_filled_within_the_rooms(real_rows: pd.DataFrame) -> None:
    missing = real_rows["total_bedrooms"].isna()
    assert missing.sum() == 207
    filled = BedroomImputer().fit(real_rows).transform(real_rows)
    assert filled["total_bedrooms"].between(1, filled["total_rooms"]).all()


@given(
    rooms=st.floats(1, 1e5),
    people=st.floats(1, 1e5),
    households=st.floats(1, 1e5),
)
def test_an_estimate_lies_between_one_and_the_rooms_however_odd_the_sizes(
    rooms: float, people: float, households: float
) -> None:
    odd = DEMO.iloc[[0]].assign(total_rooms=rooms, population=people, households=households, total_bedrooms=np.nan)
    estimate = BedroomImputer().fit(DEMO).transform(odd)["total_bedrooms"].item()
    assert 1.0 <= estimate <= rooms


def test_rows_with_bedrooms_keep_them_and_the_rows_given_are_not_changed(real_rows: pd.DataFrame) -> None:
    given_rows = real_rows.copy()
    present = given_rows["total_bedrooms"].notna()
    filled = BedroomImputer().fit(given_rows).transform(given_rows)
    pd.testing.assert_frame_equal(given_rows, real_rows)
    pd.testing.assert_frame_equal(filled.loc[present], real_rows.loc[present])
    pd.testing.assert_frame_equal(filled.drop(columns="total_bedrooms"), real_rows.drop(columns="total_bedrooms"))


def test_rows_without_gaps_come_out_as_they_went_in(known: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(BedroomImputer().fit(known).transform(known), known)


def test_an_estimate_does_not_depend_on_the_rows_around_it(known: pd.DataFrame) -> None:
    imputer = BedroomImputer().fit(known)
    rows = without_bedrooms(known.head(50))
    together = imputer.transform(rows)["total_bedrooms"]
    alone = pd.concat([imputer.transform(rows.iloc[[place]])["total_bedrooms"] for place in range(50)])
    np.testing.assert_allclose(alone, together, rtol=1e-12)


def test_bedrooms_that_are_nowhere_known_are_refused() -> None:
    with pytest.raises(InvalidData, match="No row has total_bedrooms") as refusal:
        BedroomImputer().fit(without_bedrooms(DEMO))
    assert "most rows" in refusal.value.remedy


@pytest.mark.parametrize("column", ["total_bedrooms", "total_rooms", "population", "households"])
def test_the_imputer_names_a_missing_column(column: str) -> None:
    with pytest.raises(InvalidData, match=rf"lack {column}\."):
        BedroomImputer().fit(DEMO.drop(columns=column))
    with pytest.raises(InvalidData, match=rf"lack {column}\."):
        BedroomImputer().fit(DEMO).transform(DEMO.drop(columns=column))


@pytest.mark.parametrize("transformer", [BedroomImputer(), FeatureEngineer()])
def test_scikit_learn_can_clone_a_fitted_transformer(transformer: BedroomImputer | FeatureEngineer) -> None:
    fitted = clone(transformer).fit(DEMO)
    assert fitted.get_params() == transformer.get_params() == {}
    fresh = clone(fitted)
    assert type(fresh) is type(fitted)
    assert not [name for name in vars(fresh) if name.endswith("_")]


def test_the_ratios_are_the_quotients_they_are_called(real_rows: pd.DataFrame) -> None:
    made = FeatureEngineer().fit_transform(real_rows)
    for name, (over, under) in RATIOS.items():
        np.testing.assert_allclose(made[name], real_rows[over] / real_rows[under], rtol=1e-15, equal_nan=True)
    row = DEMO.iloc[[0]].assign(total_rooms=600, total_bedrooms=150, population=300, households=100)
    first = FeatureEngineer().fit_transform(row).iloc[0]
    assert (first["rooms_per_household"], first["bedrooms_per_room"], first["population_per_household"]) == (6, 0.25, 3)


def test_all_other_columns_pass_and_the_price_with_them(real_rows: pd.DataFrame) -> None:
    made = FeatureEngineer().fit_transform(real_rows)
    assert TARGET in made
    pd.testing.assert_frame_equal(made[list(real_rows.columns)], real_rows)


def test_the_names_announced_are_the_columns_made(real_rows: pd.DataFrame) -> None:
    engineer = FeatureEngineer()
    made = engineer.fit_transform(real_rows)
    assert list(engineer.get_feature_names_out()) == list(made.columns)
    assert list(engineer.get_feature_names_out(RAW)) == [*RAW, *RATIOS]


@pytest.mark.parametrize("column", RAW)
def test_a_missing_raw_column_is_named_when_fitting_and_when_transforming(column: str) -> None:
    lacking = DEMO.drop(columns=column)
    with pytest.raises(InvalidData, match=rf"lack {column}\."):
        FeatureEngineer().fit(lacking)
    with pytest.raises(InvalidData, match=rf"lack {column}\."):
        FeatureEngineer().fit(DEMO).transform(lacking)


def test_every_missing_column_is_named_at_once() -> None:
    with pytest.raises(InvalidData, match="lack latitude, total_rooms"):
        FeatureEngineer().fit(DEMO.drop(columns=["latitude", "total_rooms"]))


@given(
    order=st.permutations(range(30)),
    columns=st.permutations(RAW),
    index=st.lists(st.integers(-5, 5), min_size=30, max_size=30),
)
@settings(max_examples=40)
def test_row_order_column_order_and_index_change_nothing(
    order: list[int], columns: list[str], index: list[int]
) -> None:
    rows = DEMO.head(30).assign(total_bedrooms=[np.nan if place % 3 else 200.0 for place in range(30)])
    imputer = BedroomImputer().fit(DEMO)
    engineer = FeatureEngineer().fit(DEMO)
    plain = engineer.transform(imputer.transform(rows))
    shuffled = engineer.transform(imputer.transform(rows.iloc[order][columns].set_axis(index, axis=0)))
    assert list(shuffled.index) == index
    numbers = [name for name in plain.columns if name != "ocean_proximity"]
    np.testing.assert_allclose(shuffled[numbers], plain.iloc[order][numbers], rtol=1e-12)
    assert list(shuffled["ocean_proximity"]) == list(plain.iloc[order]["ocean_proximity"])
